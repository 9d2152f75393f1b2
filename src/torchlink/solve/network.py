"""Which of the configured indexes do not answer, or answer as no index does."""

from __future__ import annotations

from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.read.http import UnreachableError, shown
from torchlink.read.index import NoPageError, files_on_index
from torchlink.read.index_settings import IndexSettings


def silent_indexes(settings: IndexSettings, name: str) -> tuple[str, ...]:
    """The indexes that do not answer, asked for one package, and why; one that lies here always does."""
    return _failing(settings, name, UnreachableError)


def no_indexes(settings: IndexSettings, name: str) -> tuple[str, ...]:
    """The addresses that answer and are no index, and what they give."""
    return _failing(settings, name, NoPageError)


def _failing(settings: IndexSettings, name: str, kind: type[TorchlinkError]) -> tuple[str, ...]:
    why: list[str] = []
    for index in settings.indexes:
        try:
            files_on_index(index, name)
        except (UnreachableError, UnreadableError) as error:
            if isinstance(error, kind):
                why.append(f"{shown(index)}: {error.what}")
    return tuple(why)
