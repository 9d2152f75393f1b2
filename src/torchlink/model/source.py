"""Python source as the import linker sees it: what runs when a module is imported, as plain nested tuples.

A *block* is a tuple of statements. Statements and expressions are tuples whose first item names them; they hold
nothing but strings, numbers and tuples, so that they travel between processes and lie in a cache as ``marshal`` data.
``read/python_source.py`` makes them, ``link/importing/`` runs them; the shapes are listed in docs/import-linker.md.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeAlias

# The one place where the core says Any: a node is a tuple of a different shape for each kind of statement.
Node: TypeAlias = tuple[Any, ...]
Block: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSource:
    """One source file."""

    path: str
    block: Block
    """What runs at import. Bodies of functions are not in it: ``Sources.function`` reads them when they are called."""
    late_names: frozenset[str] = frozenset()
    """Names that functions declare ``global``: bound, if at all, after the import."""
    dynamic: bool = False
    """Whether code inside functions may bind module names that cannot be read off (``globals()[name] = ...``)."""
    edits_path: bool = False
    """Whether it puts folders on ``sys.path``, or a function of it does."""
    problem: str = ""
    """Why the file could not be parsed; the block is then empty."""


class Presence(Enum):
    """How a name stands in a native library's bytes."""

    WHOLE = "whole"
    """As a string of its own, or behind the last dot of one (``torch._C._fft``)."""
    PART = "part"
    """Only at the end of a longer string (linkers merge a string into the end of another), or perhaps compressed: this
    decides nothing."""
    ABSENT = "absent"


class Sources(Protocol):
    """Where the import linker gets source and folders from."""

    def module(self, path: str) -> ModuleSource:
        """The facts of a source file. Never raises: a file that cannot be read has a ``problem``."""
        ...

    def function(self, path: str, first_line: int, last_line: int) -> Block:
        """The body of the function whose ``def`` stands on ``first_line`` (1-based); empty if it cannot be read."""
        ...

    def files(self, folder: str) -> AbstractSet[str]:
        """Names of the files in a folder; empty where there is no such folder."""
        ...

    def folders(self, folder: str) -> AbstractSet[str]:
        """Names of the folders in a folder."""
        ...

    def text(self, path: str) -> str:
        """The text of a small file; empty where it cannot be read."""
        ...

    def library_family(self, path: str) -> tuple[str, ...]:
        """A native library and those of its own package that it needs."""
        ...

    def name_in_binary(self, path: str, name: str) -> Presence:
        """Whether a native library holds ``name`` as a C string."""
        ...
