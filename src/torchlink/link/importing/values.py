"""What a name can be bound to while imports are run on paper.

Known strings, numbers, containers, paths and versions are themselves. Everything else is one of the classes below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from torchlink.link.importing.texts import PartlyKnown
from torchlink.model.reference import Broken, Undecided
from torchlink.model.source import Block, Node

if TYPE_CHECKING:
    from torchlink.link.importing.machine import Machine

Value: TypeAlias = object


class Unknown:
    """The value of everything that cannot be computed. There is one: ``UNKNOWN``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a module's body meets and goes on from."""

    line: int
    place: str
    lost: Value = None
    """The ``Failure`` that the code around it takes."""
    warning: Broken | None = None
    undecided: Undecided | None = None
    library: str = ""
    """A native library that is loaded."""
    guarded: bool = False
    """Whether the code around the load would take its failure."""


class State(Enum):
    """How far a module's import has come."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(eq=False, repr=False, slots=True)
class Module:
    """An imported module."""

    name: str
    path: str
    """Source file, native library, or folder of a namespace package; empty for built-in modules."""
    search: tuple[str, ...] = ()
    """``__path__``: folders of its sub-modules; empty where it is no package."""
    namespace: dict[str, Value] = field(default_factory=dict)
    state: State = State.RUNNING
    opaque: bool = False
    """It may bind names that cannot be read off."""
    libraries: list[str] = field(default_factory=list)
    """Native libraries whose names it may bind (``from torch._C import *``)."""
    unasked: dict[str, State] = field(default_factory=dict)
    """Names that its own ``__getattr__`` has refused, and that are or may be there all the same (``torch.float32``),
    its state at that time. It is not asked for them again."""
    stdlib: bool = False
    entry: int = 0
    """The entry that imported it first."""
    replacement: Value = None
    """What the module put into ``sys.modules`` in its own place."""
    origins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Distributions whose versions were looked at to compute a name's value."""
    imports: dict[str, int] = field(default_factory=dict)
    """Modules that its body imports for certain, by name, with the line."""
    events: list[Event] = field(default_factory=list)
    """What its body met for certain and went on from."""


@dataclass(eq=False, repr=False, slots=True)
class Scope:
    """The variables of a module, a class body or a function call."""

    variables: dict[str, Value]
    module: Module
    parent: Scope | None = None
    is_class: bool = False
    is_comprehension: bool = False
    result: Value = None
    perhaps_returned: bool = False
    perhaps_left: frozenset[str] = frozenset()
    """How the block that is running has ended under a condition that is not known."""
    left_with: set[str] = field(default_factory=set)
    """Names that were bound anew on the way there."""
    globals: frozenset[str] = frozenset()
    nonlocals: frozenset[str] = frozenset()
    function: Function | None = None
    yielded: list[Value] | None = None
    """What a generator has yielded so far; ``None`` where that is not known."""
    exception: ExceptionValue | None = None
    """The exception that an ``except`` block of this scope is handling."""


@dataclass(eq=False, repr=False, slots=True)
class Variable:
    """A variable of a module or of a function, as something that a call has changed."""

    variables: dict[str, Value]
    name: str


@dataclass(eq=False, repr=False, slots=True)
class Function:
    """A function of the environment; its body is read when it is called."""

    name: str
    module: Module
    parameters: Node
    defaults: tuple[Value, ...]
    keyword_defaults: tuple[Value, ...]
    first_line: int
    last_line: int
    parent: Scope | None
    body: Block | None = None
    expression: Node | None = None
    """The body of a lambda."""
    owner: str = ""
    """The class that it is defined in."""
    decorated: bool = False
    attributes: dict[str, Value] = field(default_factory=dict)

    @property
    def qualified_name(self) -> str:
        return f"{self.module.name}.{self.last_name}"

    @property
    def last_name(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name


@dataclass(eq=False, repr=False, slots=True)
class Class:
    """A class of the environment."""

    name: str
    module: Module
    bases: tuple[Value, ...]
    namespace: dict[str, Value]
    opaque: bool = False
    """A metaclass, a decorator or an unknown base may give it names that cannot be read off."""
    metaclass: Value = None
    lineage: list[Value] | None = None
    """Itself and its ancestors, once they were asked for: bases do not change."""

    @property
    def qualified_name(self) -> str:
        return f"{self.module.name}.{self.name}"


@dataclass(eq=False, repr=False, slots=True)
class Instance:
    """An instance of a class of the environment."""

    cls: Class
    attributes: dict[str, Value] = field(default_factory=dict)
    arguments: tuple[Value, ...] = ()
    followed: bool = False
    """Whether all the methods that were called on it have been followed: it has then no other attributes."""


@dataclass(eq=False, repr=False, slots=True)
class Method:
    """A function bound to its first argument."""

    function: Value
    self: Value


@dataclass(eq=False, repr=False, slots=True)
class Super:
    """``super()`` inside a method."""

    cls: Class
    self: Value


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something of the standard library or of a modelled package, known by name alone: ``os.path.join``."""

    name: str


@dataclass(frozen=True, slots=True)
class ForeignObject:
    """An instance that a foreign callable made: a logger, a ``ModuleSpec``, a distribution."""

    kind: str
    data: tuple[Value, ...] = ()


@dataclass(eq=False, repr=False, slots=True)
class Intrinsic:
    """A function that torchlink computes itself."""

    name: str
    call: Callable[[Machine, Sequence[Value], dict[str, Value]], Value]


@dataclass(frozen=True, slots=True)
class Operators:
    """``torch.ops`` (an empty name), one of its namespaces, or one operator (``torchvision::nms``)."""

    name: str = ""


def is_text(value: Value) -> TypeGuard[str]:
    """Whether a value is a text that is known from end to end."""
    return isinstance(value, str) and not isinstance(value, PartlyKnown)


@dataclass(eq=False, repr=False, slots=True)
class ExceptionValue:
    """An exception object."""

    cls: Value
    """A built-in exception class or a ``Class``."""
    message: str
    arguments: tuple[Value, ...] = ()
    failure: Value = None
    """The ``Failure`` behind it (see ``failures.py``), where there is one."""


def exception_names(cls: Value) -> tuple[str, ...]:
    """The names of an exception class and of its bases, itself first; empty where it is not known."""
    if isinstance(cls, type):
        return tuple(base.__name__ for base in cls.__mro__)
    names: dict[str, None] = {}
    for one in ancestors((cls,)):
        names.update(dict.fromkeys([one.name] if isinstance(one, Class) else exception_names(one)))
    return tuple(names)


def ancestors(classes: tuple[Value, ...]) -> list[Value]:
    """Classes and their bases, each once, those of a class before the next class."""
    cls = classes[0] if len(classes) == 1 else None
    if not isinstance(cls, Class):
        return _ancestors(classes)
    if cls.lineage is None:
        cls.lineage = _ancestors(classes)
    return cls.lineage


def _ancestors(classes: tuple[Value, ...]) -> list[Value]:
    found: dict[int, Value] = {}
    pending = list(reversed(classes))
    while pending and len(found) < MAX_ANCESTORS:
        cls = pending.pop()
        if isinstance(cls, (Class, type)) and id(cls) not in found:
            found[id(cls)] = cls
            if isinstance(cls, Class):
                pending.extend(reversed(cls.bases))
    return list(found.values())


MAX_ANCESTORS = 2_000


def is_exception_class(cls: Value) -> bool:
    """Whether a class is certainly an exception class."""
    return "BaseException" in exception_names(cls)


MAX_KNOWN = 50_000
"""A value of more parts, characters of its texts counted by the hundred, is not looked through."""
_MOST_ITEMS = 2_000
_CONTAINERS = (tuple, list, set, frozenset, dict)


def is_known(value: Value) -> bool:
    """Whether a value is concrete through and through (containers are looked into, three levels deep)."""
    if isinstance(value, _CONTAINERS):
        return _room_after(value, 3, MAX_KNOWN) >= 0
    return value is not UNKNOWN and not isinstance(value, PartlyKnown)


def _room_after(value: Value, depth: int, room: int) -> int:
    """How many parts there is room for behind a value; negative where it is not known, or there is none."""
    if type(value) is str:
        return room - len(value) // 100
    if value is UNKNOWN or isinstance(value, PartlyKnown):
        return -1
    if not isinstance(value, _CONTAINERS):
        return room
    if depth == 0 or len(value) > _MOST_ITEMS:
        return -1
    room -= len(value)
    if isinstance(value, dict):
        for key in value:
            if _room_after(key, 1, room) < 0:
                return -1
    for item in value.values() if isinstance(value, dict) else value:
        if room < 0:
            break
        room = _room_after(item, depth - 1, room)
    return room
