"""A symbolic pickle machine: it follows every opcode, and builds, imports and calls nothing.

It accepts what C's ``_pickle`` accepts (CPython's ``Modules/_pickle.c``), protocols 0 to 5. Where ``pickle.py`` or
``pickletools`` would read the same bytes in another way, the result says so (``Pickle.deviations``): such a file means
different things to different readers. The machine is iterative and bounded in opcodes and in memory.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass, field

from torchlink.checkpoint.values import Call, Global, Pairs, Persistent

_UNSET = Persistent(None, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one pickle may cost."""

    opcodes: int = 4_000_000
    memory: int = 96 << 20
    """Bytes of values, estimated from below."""
    name: int = 4096
    """Characters of a module's or a class's name."""
    memo: int = 8_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickle:
    """One pickle as far as it could be read."""

    start: int
    end: int
    """Position after STOP, or where reading ended."""
    root: object
    globals: tuple[Global, ...]
    opaque_calls: tuple[Call, ...]
    """Calls of something that is not a global."""
    persistent: tuple[Persistent, ...]
    extensions: tuple[int, ...]
    protocol: int
    opcodes: int
    """How many were followed, rounded up to the next few thousand."""
    memory: int
    """Bytes of values, estimated."""
    deviations: tuple[str, ...]
    error: str = ""
    """Why reading ended before STOP; empty for a whole pickle."""
    limit: bool = False
    """Whether ``error`` is one of our own bounds."""


class PickleError(Exception):
    """The pickle ends here: C's unpickler would raise."""


class LimitError(PickleError):
    """The pickle is larger than we are ready to follow."""


class Stop(Exception):
    """STOP was reached."""


class FrameStart(Exception):
    """A frame begins: from here on opcodes are checked against its end."""


@dataclass(slots=True, kw_only=True)
class Machine:
    """The machine's state. Handlers of opcodes take it and change it."""

    buffer: bytes | mmap.mmap
    position: int
    limits: Limits
    stack: list[object] = field(default_factory=list)
    """Values above the last mark."""
    below: list[list[object]] = field(default_factory=list)
    """What lies under each mark."""
    memo: list[object] = field(default_factory=list)
    gaps: int = 0
    """Unset numbers among the memo's."""
    globals: dict[tuple[str, str], Global] = field(default_factory=dict)
    opaque_calls: list[Call] = field(default_factory=list)
    persistent: list[Persistent] = field(default_factory=list)
    extensions: list[int] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)
    room: int = 0
    followed: int = 0
    protocol: int = 0
    framed: bool = False
    frame_end: int = -1
    root: object = None
    after_build: Callable[[Machine, object], None] | None = None
    """Called after BUILD: joblib keeps array data in the stream behind it."""

    def deviates(self, detail: str) -> None:
        """Note that another reader of pickles would not read this opcode as C does."""
        if len(self.deviations) < 20:
            self.deviations.append(f"{detail} at byte {self.position - 1:,}")

    def line(self) -> bytes:
        """The rest of the line, without its newline."""
        start = self.position
        end = self.buffer.find(b"\n", start, start + (1 << 20))
        if end < 0:
            raise PickleError("a line without an end")
        self.position = end + 1
        return self.buffer[start:end]

    def take(self, length: int) -> bytes:
        """The next bytes, all of them."""
        start = self.position
        data = self.buffer[start : start + length]
        if len(data) != length:
            raise PickleError("it is cut off")
        self.position = start + length
        return data

    def spend(self, room: int) -> None:
        self.room -= room
        if self.room < 0:
            raise LimitError(f"it needs more than {self.limits.memory >> 20} MB of memory")

    def pop_mark(self) -> list[object]:
        """The values above the last mark, which is removed."""
        items = self.stack
        self.stack = self.below.pop()
        return items

    def memoize(self, index: int) -> None:
        """Keep the top of the stack under a number."""
        memo = self.memo
        value = self.stack[-1]
        known = len(memo)
        if index == known:
            memo.append(value)
        elif index < known:
            if memo[index] is _UNSET:
                self.gaps -= 1
            memo[index] = value
        elif index < self.limits.memo and index < 2 * known + 65_536:
            self.gaps += index - known
            memo.extend([_UNSET] * (index - known))
            memo.append(value)
        else:
            raise LimitError(f"memo number {index:,} is out of all proportion")

    def recall(self, index: int) -> None:
        value = self.memo[index]
        if value is _UNSET:
            raise PickleError(f"memo has no number {index:,}")
        self.stack.append(value)

    def find(self, module: str, name: str) -> Global:
        """The global of these names, mapped to Python 3 as ``_pickle`` maps them below protocol 3."""
        known = self.globals.get((module, name))
        if known is None:
            if len(module) > self.limits.name or len(name) > self.limits.name:
                raise LimitError(f"a name of {max(len(module), len(name)):,} characters")
            mapped = python3_name(module, name) if self.protocol < 3 else (module, name)
            known = Global(*mapped, module, name, self.position)
            self.globals[module, name] = known
            self.spend(400 + 4 * (len(module) + len(name)))
        return known

    def call(self, call: Call) -> Call:
        """Note a call, under what is called."""
        func = call.func
        if type(func) is Global:
            func.calls.append(call)
        else:
            self.opaque_calls.append(call)
        return call


def python3_name(module: str, name: str) -> tuple[str, str]:
    """Today's name of a Python 2 global, as ``_pickle`` maps it below protocol 3."""
    from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

    mapped = NAME_MAPPING.get((module, name))
    if mapped is not None:
        return mapped
    return IMPORT_MAPPING.get(module, module), name


def pairs_of(target: object) -> Pairs | None:
    """The flat pairs of a dictionary, or of what is set on an object."""
    if type(target) is Pairs:
        return target
    if isinstance(target, Call):
        return target.pairs
    return None


Handler = Callable[[Machine], None]
"""Does one opcode."""
