"""A wheel as it is shown: what it holds, and from which bytes that is known."""

from __future__ import annotations

from dataclasses import dataclass

from torchlink.model.native import NativeFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelDescription:
    """One wheel."""

    name: str
    version: str
    filename: str
    sha256: str
    size: int
    """In bytes; 0 where the index does not say."""
    inferred_from: str
    """The version whose wheel stands for this one's; empty where it is its own."""
    yanked: str
    requires: tuple[str, ...]
    requires_python: str
    modules: tuple[str, ...]
    """Importable top-level names."""
    sources: int
    """Python files."""
    natives: tuple[NativeFacts, ...]
    exports: tuple[int, ...]
    """How many symbols each of them offers."""
    problems: tuple[str, ...]
    """What of it could not be read."""
