"""Which releases of a package export a native symbol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol


class Exports(Protocol):
    """Knows the symbols that the released wheels of one package export."""

    @property
    def machine(self) -> str:
        """The machine that the wheels were built for, as in platform tags."""
        ...

    @property
    def releases(self) -> tuple[str, ...]:
        """The releases whose wheels were read, oldest first."""
        ...

    def releases_exporting(self, symbol: str) -> tuple[str, ...]:
        """Those of them that export a symbol, given mangled; empty where none does."""
        ...


def exporting_all(symbols: Iterable[str], exports: Exports) -> tuple[str, ...]:
    """The releases that export all of several symbols; none where the symbols tell nothing.

    What no release exports is passed over: a library's own kin exports it, or a provider that was built otherwise.
    """
    sets = frozenset(filter(None, map(exports.releases_exporting, symbols)))
    return tuple(one for one in exports.releases if all(one in each for each in sets)) if sets else ()


def only(some: Sequence[str], every: Sequence[str]) -> str:
    """What an extension of torch shows by the releases that export all that it needs; empty where that is nothing."""
    if not some or len(some) == len(every):
        return ""
    return f"all that it needs of torch is exported by torch {spans(some, every)} only"


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
