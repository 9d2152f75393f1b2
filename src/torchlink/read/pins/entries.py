"""What TOML, JSON and YAML documents have in common here: strings, the path to each, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torchlink.read.pins.text import Piece

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One string of a document."""

    path: Path
    """Keys, and places in lists from 0."""
    value: Piece
    key: Piece | None = None
    """The last key of the path; ``None`` in a list."""


def below(entries: Iterable[Entry], *prefix: str) -> list[Entry]:
    """The entries whose path begins so; ``*`` matches any key."""
    return [entry for entry in entries if begins(entry.path, prefix)]


def begins(path: Path, prefix: tuple[str, ...]) -> bool:
    """Whether a path begins with these keys; ``*`` matches any of them."""
    return len(path) >= len(prefix) and all(
        want == "*" or want == got for want, got in zip(prefix, path[: len(prefix)], strict=True)
    )
