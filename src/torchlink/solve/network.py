"""Which of the configured indexes do not answer."""

from __future__ import annotations

from torchlink.model.errors import UnreadableError
from torchlink.read.http import UnreachableError, shown
from torchlink.read.index import files_on_index
from torchlink.read.index_settings import IndexSettings


def silent_indexes(settings: IndexSettings, name: str) -> tuple[str, ...]:
    """The indexes that do not answer, asked for one package, and why; one that lies here always does."""
    why: list[str] = []
    for index in settings.indexes:
        try:
            files_on_index(index, name)
        except UnreachableError as error:
            why.append(f"{shown(index)} {error.what}")
        except UnreadableError:
            continue
    return tuple(why)
