"""What a source file uses of others: its calls and names, resolved through its imports, with what can be read of them.

``read/uses.py`` makes these, ``link/behaviour.py`` judges them. Values are what a reader sees without running anything:
variables that are bound once on the way are followed, everything else is ``UNKNOWN``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias


class Unknown(Enum):
    """The value of what cannot be read."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal."""

    value: str | bytes | int | float | complex | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    """Something with a full name: ``torch.load``; what a file defines itself stands below its own module's name."""

    dotted: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the function that the use stands in; ``stars`` is 2 for its ``**`` and 1 for its ``*``."""

    name: str
    stars: int = 0


@dataclass(frozen=True, slots=True)
class Items:
    """A list, tuple or set."""

    values: tuple[Value, ...]
    size: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Table:
    """A dict."""

    items: tuple[tuple[Value, Value], ...]
    open: bool = False
    """Whether it may hold more."""
    size: int = field(default=1, compare=False)

    def get(self, key: str) -> Value | None:
        """The value under a key; ``None`` where the table has none of that name."""
        return next((value for name, value in reversed(self.items) if name == Constant(key)), None)


@dataclass(frozen=True, slots=True)
class Call:
    """What a call returns."""

    callee: Value
    positional: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]
    rest: tuple[Value, ...]
    """What is unpacked into it by ``*`` or ``**`` and cannot be read off."""
    line: int
    column: int
    """1-based, in characters."""
    size: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Part:
    """An item, an attribute or a method of a value: ``checkpoint["rng"]``, ``model.load_state_dict``."""

    of: Value
    key: Value
    attribute: bool
    size: int = field(default=1, compare=False)


Value: TypeAlias = Constant | Name | Parameter | Items | Table | Call | Part | Unknown


class Form(Enum):
    """How something is used."""

    CALL = "call"
    NAME = "name"
    IMPORT = "import"
    ASSIGN = "assign"
    """An attribute of another module is set: ``torch.load = my_load``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One place where a file uses something."""

    form: Form
    value: Value
    """The ``Call``, or the ``Name``; of an assignment, the name that is set."""
    line: int
    column: int
    """Both 1-based; the column counts characters."""
    function: str = ""
    """The full name of the function that it stands in; empty at module level."""
    conditional: bool = False
    """Whether it stands under a condition."""
    tests: frozenset[str] = frozenset()
    """The last names that the conditions over it read: ``__version__``, ``hasattr``."""
    caught: frozenset[str] = frozenset()
    """The last names of the exceptions that are caught around it; ``BaseException`` for all."""
    contexts: tuple[Value, ...] = ()
    """The context managers that it stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The parameters of a function."""

    positional: tuple[str, ...]
    """Those that may be given by position, ``self`` left out for a method."""
    keyword: tuple[str, ...]
    """Those that may be given by keyword only."""
    defaults: Mapping[str, Value]
    stars: tuple[str, str] = ("", "")
    """The names behind ``*`` and ``**``; empty where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUses:
    """What one file uses."""

    path: str
    module: str
    uses: tuple[Use, ...] = ()
    exports: Mapping[str, Value] = field(default_factory=dict)
    """What its names are bound to when it has been imported."""
    stars: tuple[str, ...] = ()
    """Modules from which it imports ``*``."""
    functions: Mapping[str, Signature] = field(default_factory=dict)
    """Functions and methods by full name."""
    classes: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    """Classes by full name, with their bases."""
    lines: tuple[str, ...] = ()
    cells: tuple[int, ...] = ()
    """In a notebook, the line before the first one of each cell, by the cell's place; negative for no code cell."""
    problem: str = ""
    """Why it could not be read; it then has no uses."""

    def line(self, number: int) -> str:
        """A line of the file without its indentation, at most 120 characters."""
        text = self.lines[number - 1].strip() if 0 < number <= len(self.lines) else ""
        return text if len(text) <= 120 else text[:119] + "…"


@dataclass(frozen=True, slots=True)
class Needle:
    """What a file must mention for a rule to be about it."""

    names: frozenset[str]
    """Full names, of which one is used."""
    words: frozenset[str] = frozenset()
    """Words, of which one is there; empty where there need be none."""


class UsesReader(Protocol):
    """Where the behaviour linker gets its facts from."""

    def uses(self, path: str, module: str) -> FileUses:
        """Read a source file. Never raises: a file that cannot be read has a ``problem``."""
        ...

    def mentions(self, path: str, needles: tuple[Needle, ...]) -> bool:
        """Whether a file seems to have one of the needles, by its bytes alone: a cheap pass before ``uses``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswer:
    """How a checkpoint file answers to ``torch.load`` here, under ``weights_only=True``."""

    loads: bool
    reasons: tuple[str, ...] = ()
    """Names and features that are refused."""
    imports: tuple[str, ...] = ()
    """Import statements that the entries need."""
    entries: tuple[str, ...] = ()
    """The exact allow list with which it loads, where one suffices, as source."""


class CheckpointReader(Protocol):
    """Opens checkpoints that a project names."""

    def restricted(self, path: str) -> FileAnswer | None:
        """Look into a file; ``None`` where it is not there, or is no file of ``torch.save``."""
        ...

    def is_there(self, path: str) -> bool:
        """Whether there is such a file."""
        ...
