"""Operators and methods of known values. What is not known in, is not known out."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from torchlink.link.importing import methods
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.texts import InstalledVersion, PartlyKnown, VersionText
from torchlink.link.importing.values import (
    UNKNOWN,
    Foreign,
    ForeignObject,
    Function,
    Intrinsic,
    Method,
    Module,
    Value,
    is_known,
    is_text,
)

_OPEN_KINDS = frozenset({"native", "name", "names"})
"""Objects of native modules: each may be anything."""
MAX_SIZE = 100_000
"""No operation makes a string or container longer than this."""


@dataclass(frozen=True, slots=True)
class Globals:
    """``globals()`` of a module, which can be written to."""

    module: Module


Data = (str, bytes, int, float, bool, type(None), tuple, list, dict, set, frozenset, PurePath, Version, SpecifierSet)

TYPES: dict[str, type] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "tuple": tuple,
    "list": list,
    "dict": dict,
    "set": set,
    "frozenset": frozenset,
    "bytes": bytes,
}
"""Built-in types by name: those whose instances are known values."""
_BINARY: dict[str, Callable[..., object]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "Div": operator.truediv,
    "FloorDiv": operator.floordiv,
    "Mod": operator.mod,
    "BitOr": operator.or_,
    "BitAnd": operator.and_,
    "BitXor": operator.xor,
    "LShift": operator.lshift,
    "RShift": operator.rshift,
}
_COMPARE: dict[str, Callable[..., object]] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
}


FAILS = (TypeError, ValueError, KeyError, IndexError, AttributeError, ZeroDivisionError, OverflowError, RecursionError)


def binary(machine: Machine, name: str, left: Value, right: Value) -> Value:
    """``left op right``."""
    function = _BINARY.get(name)
    if name == "Mod" and isinstance(left, (str, bytes)):
        return _percent(left, right)
    if function is None or left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    if name == "BitOr" and _is_type(left) and _is_type(right):
        return (*_types_of(left), *_types_of(right))
    if name in ("Mult", "LShift") and not _small(left, right):
        return UNKNOWN
    if name == "LShift" and isinstance(right, int) and right > MAX_SIZE:
        return UNKNOWN
    if not isinstance(left, Data) or not isinstance(right, Data):
        # A name of a library with something before or after it still comes from that library.
        names = [value for value in (left, right) if isinstance(value, ForeignObject) and value.kind == "name"]
        return names[0] if names and name == "Add" else UNKNOWN
    try:
        result = function(left, right)
    except FAILS:
        return UNKNOWN
    if isinstance(result, (str, bytes, list, tuple)) and len(result) >= MAX_SIZE:
        return UNKNOWN
    return PartlyKnown(result) if PartlyKnown in (type(left), type(right)) and isinstance(result, str) else result


def _is_type(value: Value) -> bool:
    return bool(_types_of(value))


def _types_of(value: Value) -> tuple[Value, ...]:
    """The built-in types in ``list | tuple``, or in a part of it; empty for what is none."""
    if isinstance(value, (Foreign, Intrinsic)):
        module, _, name = value.name.rpartition(".")
        return (value,) if module == "builtins" and name in TYPES else ()
    if isinstance(value, tuple) and value and all(_is_type(item) for item in value):
        return value
    return ()


def _percent(left: str | bytes, right: Value) -> Value:
    if isinstance(left, bytes) or not is_known(left):
        return UNKNOWN
    if not is_known(right) or not isinstance(right, Data):
        return PartlyKnown(left.partition("%")[0] + "…")
    if "*" in left or not methods.is_modest(left, right if isinstance(right, tuple) else (right,)):
        return UNKNOWN
    try:
        return left % right
    except FAILS:
        return UNKNOWN


def _small(left: Value, right: Value) -> bool:
    sizes = [value for value in (left, right) if isinstance(value, int)]
    lengths = [len(value) for value in (left, right) if isinstance(value, (str, bytes, list, tuple))]
    if lengths:
        return all(abs(size) * length < MAX_SIZE for size in sizes for length in lengths)
    return all(abs(size) < 2**64 for size in sizes)


def unary(name: str, value: Value) -> Value:
    """``-value`` and its kin; ``not`` is computed by ``truth``."""
    if not isinstance(value, (int, float)):
        return UNKNOWN
    if name == "USub":
        return -value
    return ~value if name == "Invert" and isinstance(value, int) else UNKNOWN


def compare(machine: Machine, name: str, left: Value, right: Value) -> Value:
    """One comparison: ``True``, ``False`` or ``UNKNOWN``."""
    for value in (left, right):
        if isinstance(value, (VersionText, InstalledVersion)):
            machine.consult(value.distribution)
    if name in ("Is", "IsNot"):
        return _identity(left, right, name == "Is")
    if name in ("In", "NotIn"):
        if right == Foreign("sys.path"):
            right = list(machine.finder.path)
        elif right == Foreign("os.environ") and is_text(left):
            machine.consulted_variables.add(left)
            right = list(machine.variables)
        elif right == Foreign("sys.modules") and isinstance(left, str) and left in machine.modules:
            right = [left] if machine.modules[left].entry == machine.entry else UNKNOWN
        return _contains(left, right, name == "In")
    if not is_known(left) or not is_known(right):
        return UNKNOWN
    if not isinstance(left, Data) or not isinstance(right, Data):
        return _same_object(left, right, name)
    try:
        return bool(_COMPARE[name](left, right))
    except (*FAILS, InvalidVersion):
        return UNKNOWN


def _same_object(left: Value, right: Value, name: str) -> Value:
    if left is right and name in ("Eq", "NotEq"):
        return name == "Eq"
    return UNKNOWN


def _identity(left: Value, right: Value, positive: bool) -> Value:
    if left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    if left is right:
        return positive
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        other = right if left is None or isinstance(left, bool) else left
        return UNKNOWN if _may_be_anything(other) else not positive
    return UNKNOWN


def _may_be_anything(value: Value) -> bool:
    """Whether a value stands for something of which only the name is known."""
    if isinstance(value, ForeignObject):
        return value.kind in _OPEN_KINDS
    return isinstance(value, Foreign) or is_decorated(value)


def is_decorated(value: Value) -> bool:
    """Whether a function, or one that is bound to an object, has a decorator that was not followed."""
    if isinstance(value, Method):
        value = value.function
    return isinstance(value, Function) and value.decorated


def _contains(item: Value, container: Value, positive: bool) -> Value:
    if item is UNKNOWN or container is UNKNOWN or isinstance(item, PartlyKnown) or isinstance(container, PartlyKnown):
        return UNKNOWN
    if isinstance(container, str):
        return (item in container) is positive if isinstance(item, str) else UNKNOWN
    if not isinstance(container, (list, tuple, set, frozenset, dict)):
        if isinstance(container, SpecifierSet) and isinstance(item, (str, Version)):
            return container.contains(item, prereleases=True) is positive
        return UNKNOWN
    try:
        if item in container:
            return positive
    except TypeError:
        return UNKNOWN
    if UNKNOWN in container or PartlyKnown in map(type, container) or not is_known(item) or not isinstance(item, Data):
        return UNKNOWN
    return not positive


def parse_version(text: Value) -> Value:
    """``packaging.version.parse``; keeps whose version it is."""
    if isinstance(text, Version):
        return text
    if not is_text(text):
        return UNKNOWN
    if isinstance(text, VersionText):
        return InstalledVersion(str(text), text.distribution)
    return Version(text)


def truth_of(value: Value) -> Value:
    """``bool(value)``."""
    if value is UNKNOWN or isinstance(value, Globals):
        return UNKNOWN
    if isinstance(value, (list, set, dict)) and len(value) == 1 and UNKNOWN in value:
        return UNKNOWN
    if isinstance(value, PartlyKnown):
        return bool(value.strip("…")) or UNKNOWN
    if isinstance(value, Data) and not isinstance(value, (SpecifierSet, Requirement)):
        return bool(value)
    if isinstance(value, ForeignObject):
        return UNKNOWN if value.kind in _OPEN_KINDS else True
    if type(value).__name__ in ("Module", "Function", "Class", "Intrinsic", "Method"):
        return True
    return UNKNOWN
