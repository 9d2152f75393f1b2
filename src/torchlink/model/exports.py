"""Which releases of a package export a native symbol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Exports(Protocol):
    """Knows the symbols that the released wheels of one package export."""

    @property
    def releases(self) -> tuple[str, ...]:
        """The releases whose wheels were read, oldest first."""
        ...

    def releases_exporting(self, symbol: str) -> tuple[str, ...]:
        """Those of them that export a symbol, given mangled; empty where none does."""
        ...


def spans(some: Sequence[str], every: Sequence[str]) -> str:
    """Releases in words, neighbours joined: ``2.1.0 to 2.2.2 and 2.5.1``.

    Args:
        some: what is told, in the order of ``every``.
        every: all that could be told.
    """
    place = {release: at for at, release in enumerate(every)}
    runs: list[list[str]] = []
    for release in some:
        if runs and place[runs[-1][-1]] + 1 == place[release]:
            runs[-1].append(release)
        else:
            runs.append([release])
    words = [run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
