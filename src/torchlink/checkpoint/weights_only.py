"""torch's ``weights_only`` unpickler, release by release: what it would refuse in a file, BUILD-time types included.

The rules are those of ``torch/_weights_only_unpickler.py``, read from the wheels of torch 2.0.1 to 2.13.0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from torchlink.checkpoint.arrays import dtype_code
from torchlink.checkpoint.contents import Stream
from torchlink.checkpoint.interpreter import run
from torchlink.checkpoint.machine import Handler, Machine, python3_name
from torchlink.checkpoint.objects import callee, class_of
from torchlink.checkpoint.opcodes import HANDLERS
from torchlink.checkpoint.values import Call, Global, How, Pairs

_READ = frozenset(b"c\x81Rbaesu(t\x85\x86\x87N\x89\x88)]}\x8fJKMGXUQhjqr\x8a\x80.")
"""The opcodes that every release reads; the others are an ``Unsupported operand``."""
_PARAMETER = "torch.nn.parameter.Parameter"
_ORDERED = "collections.OrderedDict"
_DICTS = {"builtins.dict", _ORDERED, "collections.Counter"}
_DTYPE_CLASSES = {
    "b1": "BoolDType",
    "i1": "Int8DType",
    "i2": "Int16DType",
    "i4": "Int32DType",
    "i8": "Int64DType",
    "u1": "UInt8DType",
    "u2": "UInt16DType",
    "u4": "UInt32DType",
    "u8": "UInt64DType",
    "f2": "Float16DType",
    "f4": "Float32DType",
    "f8": "Float64DType",
    "f16": "LongDoubleDType",
    "c8": "Complex64DType",
    "c16": "Complex128DType",
    "c32": "CLongDoubleDType",
    "O": "ObjectDType",
    "O8": "ObjectDType",
    "U": "StrDType",
    "S": "BytesDType",
    "V": "VoidDType",
    "M": "DateTime64DType",
    "m": "TimeDelta64DType",
}
_GENERATORS = {
    "__randomstate_ctor": "numpy.random.mtrand.RandomState",
    "__generator_ctor": "numpy.random._generator.Generator",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What one release of torch does under ``weights_only=True``."""

    version: tuple[int, int]
    allowed: frozenset[str]
    blocked: frozenset[str]

    @property
    def has_allow_list(self) -> bool:
        """``add_safe_globals``, and with it NEWOBJ and BUILD of listed classes: since 2.4."""
        return self.version >= (2, 4)

    @property
    def has_context_manager(self) -> bool:
        """``safe_globals``: since 2.5."""
        return self.version >= (2, 5)

    @property
    def has_names(self) -> bool:
        """An entry may be an object with the name under which files have it: since 2.6."""
        return self.version >= (2, 6)

    @property
    def default(self) -> bool:
        """Whether ``torch.load`` is ``weights_only`` unless told otherwise: since 2.6."""
        return self.version >= (2, 6)

    def maps_names(self, protocol: int) -> bool:
        """Whether Python 2 names are translated."""
        return self.version >= (2, 6) or (self.version >= (2, 4) and protocol == 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One thing that ``weights_only=True`` would not take."""

    what: str
    """A name (``numpy.dtype``), or a sentence."""
    kind: str
    """``global``; ``build``, a class that is only met when its state is set; ``blocked``; or ``form``, for what no
    allow list helps."""
    offset: int


@lru_cache(maxsize=1)
def _releases() -> tuple[tuple[tuple[int, int], frozenset[str], frozenset[str]], ...]:
    document = json.loads((Path(__file__).parent / "rules" / "weights_only.json").read_text(encoding="utf-8"))
    found: list[tuple[tuple[int, int], frozenset[str], frozenset[str]]] = []
    names: frozenset[str] = frozenset()
    for entry in document["releases"]:
        names = (names | frozenset(entry["added"])) - frozenset(entry["removed"])
        found.append((version_of(entry["torch"]), names, frozenset(entry["blocked_modules"])))
    return tuple(found)


def version_of(text: str) -> tuple[int, int]:
    """Major and minor: ``(2, 6)`` of ``2.6.0+cu124``. Raises ``ValueError`` for what is no version."""
    major, minor = text.split("+")[0].split(".")[:2]
    return int(major), int("".join(character for character in minor if character.isdigit()) or 0)


def release_of(version: str) -> Release:
    """The rules of a release: those that were read from it, or from the last one before it."""
    wanted = version_of(version)
    known = [entry for entry in _releases() if entry[0] <= wanted] or [_releases()[0]]
    _, allowed, blocked = known[-1]
    return Release(version=wanted, allowed=allowed, blocked=blocked)


def refusals(stream: Stream, release: Release, extra: frozenset[str] = frozenset()) -> tuple[Refusal, ...]:
    """Everything that the unpickler would stumble over, in the order of the file, as if it went on each time.

    Args:
        stream: The pickle.
        release: Whose rules.
        extra: Names that the user has put on the allow list.
    """
    watcher = _Watcher(release, extra)
    run(stream.buffer, stream.pickle.start, handlers=watcher.handlers())
    return tuple(watcher.found.values())


class _Watcher:
    """Looks at the machine before each opcode that torch checks."""

    def __init__(self, release: Release, extra: frozenset[str]) -> None:
        self._release = release
        self._listed = extra if release.has_allow_list else frozenset()
        self._allowed = release.allowed | self._listed
        self.found: dict[str, Refusal] = {}

    def handlers(self) -> tuple[Handler, ...]:
        checks = {ord("c"): self._global, ord("R"): self._reduce, 0x81: self._newobj, ord("b"): self._build}
        checks |= {ord("a"): self._append, ord("e"): self._append, ord("s"): self._set, ord("u"): self._set}
        checks[ord("Q")] = self._persistent
        table = list(HANDLERS)
        for opcode, handler in enumerate(HANDLERS):
            if opcode not in _READ:
                table[opcode] = self._unsupported(opcode, handler)
            elif opcode in checks:
                table[opcode] = _checked(checks[opcode], handler)
        return tuple(table)

    def _refuse(self, what: str, kind: str, machine: Machine) -> None:
        if len(self.found) < 500:
            self.found.setdefault(what, Refusal(what=what, kind=kind, offset=machine.position - 1))

    def _unsupported(self, opcode: int, handler: Handler) -> Handler:
        def check(machine: Machine) -> None:
            self._refuse(f"opcode {opcode}, of a pickle protocol that it does not read", "form", machine)
            handler(machine)

        return check

    def _global(self, machine: Machine) -> None:
        buffer, start = machine.buffer, machine.position
        middle = buffer.find(b"\n", start, start + 10_000)
        end = buffer.find(b"\n", middle + 1, middle + 10_000)
        if middle < 0 or end < 0:
            return
        module, name = (
            buffer[start:middle].decode("utf-8", "replace"),
            buffer[middle + 1 : end].decode("utf-8", "replace"),
        )
        if self._release.maps_names(machine.protocol):
            module, name = python3_name(module, name)
        path = f"{module}.{name}"
        if module in self._release.blocked:
            self._refuse(path, "blocked", machine)
        elif path not in self._allowed:
            self._refuse(path, "global", machine)

    def _name_of(self, value: object, machine: Machine) -> str:
        if type(value) is not Global:
            return ""
        if self._release.maps_names(machine.protocol):
            return value.path
        return f"{value.raw_module}.{value.raw_name}"

    def _reduce(self, machine: Machine) -> None:
        func = machine.stack[-2]
        if type(func) is not Global:
            self._refuse("a call of something that is no name", "form", machine)

    def _newobj(self, machine: Machine) -> None:
        cls = machine.stack[-2]
        name = self._name_of(cls, machine)
        if name == _PARAMETER or name in self._listed or (self._release.version >= (2, 6) and name in self._allowed):
            return
        if not name:
            self._refuse("an instance of something that is no name", "form", machine)
        elif not self._release.has_allow_list:
            self._refuse(f"an instance of {name}", "form", machine)
        elif name in self._allowed:
            self._refuse(name, "build", machine)

    def _build(self, machine: Machine) -> None:
        target = machine.stack[-2]
        name = built_class(target)
        if name in ("torch.Tensor", _PARAMETER, _ORDERED):
            return
        if name in self._listed or (self._release.version >= (2, 6) and name in self._allowed):
            return
        if not self._release.has_allow_list or not name:
            self._refuse(f"the state of an instance of {name or 'something unknown'}", "form", machine)
        else:
            self._refuse(name, "build", machine)

    def _append(self, machine: Machine) -> None:
        below = machine.below
        target = (
            machine.stack[-2]
            if machine.buffer[machine.position - 1] == ord("a")
            else (below[-1] if below else [None])[-1]
        )
        if type(target) is not list:
            self._refuse(f"an append to {built_class(target) or 'what is no list'}", "form", machine)

    def _set(self, machine: Machine) -> None:
        if self._release.version < (2, 10):
            return
        single = machine.buffer[machine.position - 1] == ord("s")
        target = machine.stack[-3] if single else (machine.below[-1] if machine.below else [None])[-1]
        name = "builtins.dict" if type(target) is Pairs else built_class(target)
        if name not in _DICTS:
            self._refuse(f"an item that is set on {name or 'what is no dictionary'}", "form", machine)

    def _persistent(self, machine: Machine) -> None:
        identity = machine.stack[-1]
        if type(identity) is tuple and identity and identity[0] not in ("storage", b"storage"):
            self._refuse("a persistent id that is no storage", "form", machine)


def _checked(check: Handler, handler: Handler) -> Handler:
    def both(machine: Machine) -> None:
        check(machine)
        handler(machine)

    return both


def built_class(value: object) -> str:
    """The class of what a call makes, as ``type()`` would say it: ``numpy.dtypes.UInt32DType`` for a dtype."""
    if type(value) is not Call:
        return "builtins.dict" if type(value) is Pairs else ("builtins.list" if type(value) is list else "")
    name = callee(value)
    if name == "numpy.dtype":
        code = dtype_code(Call(value.func, value.args, How.REDUCE, 0)).lstrip("<>=|")
        found = _DTYPE_CLASSES.get(code) or _DTYPE_CLASSES.get(code[:1] if code[:1] in "OUSVMm" else "")
        return f"numpy.dtypes.{found}" if found else ""
    if name.endswith("multiarray._reconstruct") and type(value.args) is tuple and value.args:
        cls = value.args[0]
        return cls.path if type(cls) is Global else ""
    if name.startswith("torch._utils._rebuild_parameter"):
        return _PARAMETER
    if name.startswith("torch._utils._rebuild_"):
        return "torch.Tensor"
    last = name.rpartition(".")[2]
    if last in _GENERATORS and name.startswith("numpy.random."):
        return _GENERATORS[last]
    if last == "__bit_generator_ctor" and type(value.args) is tuple and value.args:
        return _bit_generator(value.args[0])
    if last == "__pyx_unpickle_SeedSequence":
        return "numpy.random.bit_generator.SeedSequence"
    return class_of(value)


def _bit_generator(value: object) -> str:
    if type(value) is Global:
        return value.path
    known = {"PCG64": "_pcg64", "PCG64DXSM": "_pcg64", "MT19937": "_mt19937", "Philox": "_philox", "SFC64": "_sfc64"}
    return f"numpy.random.{known[value]}.{value}" if type(value) is str and value in known else ""
