"""What a pickle would build, without building it.

Plain Python values stand for themselves: ``None``, ``bool``, ``int``, ``float``, ``complex``, ``str``, ``bytes``,
``tuple`` and ``list``.
Everything else is one of the classes below. A dictionary keeps its pairs in a flat list, because hashing a hostile
key (a tuple nested a million deep) can exhaust the C stack.
"""

from __future__ import annotations

from enum import Enum


class Global:
    """A name that the pickle looks up: ``module.name``, as today's Python spells it."""

    __slots__ = ("built", "calls", "module", "name", "offset", "raw_module", "raw_name")

    def __init__(self, module: str, name: str, raw_module: str, raw_name: str, offset: int) -> None:
        self.module = module
        self.name = name
        self.raw_module = raw_module
        """As written in the file, before Python 2 names were mapped."""
        self.raw_name = raw_name
        self.offset = offset
        self.calls: list[Call] = []
        """Every call of it in this pickle."""
        self.built = False
        """Whether BUILD, APPEND or SETITEM would change the named thing itself."""

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


class How(Enum):
    """By which opcode something is called."""

    REDUCE = "REDUCE"
    NEWOBJ = "NEWOBJ"
    NEWOBJ_EX = "NEWOBJ_EX"
    INST = "INST"
    OBJ = "OBJ"


class Call:
    """The result of a call that unpickling would make, and what is then done to that result."""

    __slots__ = ("args", "func", "how", "items", "kwargs", "offset", "pairs", "state")

    def __init__(self, func: object, args: object, how: How, offset: int, kwargs: object = None) -> None:
        self.func = func
        self.args = args
        self.how = how
        self.offset = offset
        self.kwargs = kwargs
        self.state: list[object] | None = None
        """The states of its BUILD opcodes, in order."""
        self.items: list[object] | None = None
        """What APPEND, APPENDS and ADDITEMS add."""
        self.pairs: Pairs | None = None
        """What SETITEM and SETITEMS set."""


class Pairs(list[object]):
    """A dictionary: key, value, key, value, in the order of the file, repeated keys included."""

    __slots__ = ()


class Members(list[object]):
    """A set."""

    __slots__ = ()


class FrozenMembers(Members):
    """A frozenset."""

    __slots__ = ()


class Persistent:
    """A persistent id: torch's way to name a storage."""

    __slots__ = ("id", "offset")

    def __init__(self, identity: object, offset: int) -> None:
        self.id = identity
        self.offset = offset


class BlobKind(Enum):
    """How the bytes of a blob are to be understood."""

    BYTES = "bytes"
    BYTEARRAY = "bytearray"
    TEXT = "text"
    STRING = "string"


class Blob:
    """Bytes or text that are left where they lie, because they are many or can be changed later."""

    __slots__ = ("kind", "length", "offset")

    def __init__(self, kind: BlobKind, offset: int, length: int) -> None:
        self.kind = kind
        self.offset = offset
        """From the beginning of the buffer that the pickle was read from."""
        self.length = length


class Extension:
    """A code of ``copyreg``'s registry: what it stands for is known only to the process that loads it."""

    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        self.code = code
