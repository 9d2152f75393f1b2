"""Operators and methods of known values. What is not known in, is not known out."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import (
    UNKNOWN,
    Class,
    Foreign,
    ForeignObject,
    Function,
    InstalledVersion,
    Module,
    Value,
    VersionText,
    is_known,
)

_ENUMS = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag"})
_OPEN_KINDS = frozenset({"native", "name", "names"})
"""Objects of native modules: each may be anything."""
MAX_SIZE = 100_000
"""No operation makes a string or container longer than this."""


@dataclass(frozen=True, slots=True)
class Globals:
    """``globals()`` of a module, which can be written to."""

    module: Module


Data = (str, bytes, int, float, bool, type(None), tuple, list, dict, set, frozenset, PurePath, Version, SpecifierSet)

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


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Methods that are computed on known values; each is pure, or changes the container that it belongs to.
_METHODS: dict[type, frozenset[str]] = {
    str: _words(
        "split rsplit strip lstrip rstrip lower upper title capitalize startswith endswith replace join "
        "partition rpartition removeprefix removesuffix isdigit isalpha isidentifier isnumeric isupper "
        "islower find rfind index count splitlines format casefold zfill encode swapcase"
    ),
    bytes: _words("decode startswith endswith"),
    list: _words("append extend insert remove pop index count copy sort reverse clear"),
    tuple: _words("index count"),
    dict: _words("get keys values items update setdefault pop copy fromkeys clear"),
    set: _words(
        "add update discard remove union difference intersection symmetric_difference issubset issuperset "
        "copy isdisjoint difference_update intersection_update pop clear"
    ),
    frozenset: _words("union difference intersection issubset issuperset isdisjoint copy"),
    PurePath: _words("joinpath with_suffix with_name as_posix relative_to is_absolute match"),
    SpecifierSet: _words("contains"),
    int: _words("bit_length"),
}
_PROPERTIES: dict[type, frozenset[str]] = {
    PurePath: _words("name stem suffix parent parents parts suffixes"),
    Version: _words(
        "major minor micro release base_version public local is_prerelease is_devrelease is_postrelease "
        "dev pre post epoch"
    ),
}
_CHANGING = _words("append extend insert add update setdefault")
_FAILS = (TypeError, ValueError, KeyError, IndexError, AttributeError, ZeroDivisionError, OverflowError, RecursionError)


def items_of(value: Value) -> list[Value] | None:
    """The items of a known iterable, in order; ``None`` where they are not known."""
    if isinstance(value, (list, tuple, set, frozenset, dict, range)):
        if isinstance(value, (set, frozenset)) and all(isinstance(item, str) for item in value):
            return sorted(value)
        return list(value)
    if isinstance(value, str):
        return list(value)
    if isinstance(value, Class) and any(isinstance(base, Foreign) and base.name in _ENUMS for base in value.bases):
        return [_member(name, item) for name, item in value.namespace.items() if _is_member(name, item)]
    return None


def _is_member(name: str, item: Value) -> bool:
    return not name.startswith("_") and not isinstance(item, (Function, Class))


def _member(name: str, value: Value) -> Value:
    return ForeignObject("member", (name, value if isinstance(value, (str, int)) else UNKNOWN))


def binary(machine: Machine, name: str, left: Value, right: Value) -> Value:
    """``left op right``."""
    function = _BINARY.get(name)
    if function is None or left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    if name == "Mod" and isinstance(left, (str, bytes)):
        return _percent(left, right)
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
    except _FAILS:
        return UNKNOWN
    return result if not isinstance(result, (str, bytes, list, tuple)) or len(result) < MAX_SIZE else UNKNOWN


def _percent(left: str | bytes, right: Value) -> Value:
    if isinstance(left, bytes) or not is_known(right) or not isinstance(right, Data):
        return UNKNOWN
    if "*" in left or not _is_modest(left, right if isinstance(right, tuple) else (right,)):
        return UNKNOWN
    try:
        return left % right
    except _FAILS:
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
        elif right == Foreign("os.environ") and isinstance(left, str) and is_known(left):
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
    except (*_FAILS, InvalidVersion):
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
    return isinstance(value, Foreign) or (isinstance(value, ForeignObject) and value.kind in _OPEN_KINDS)


def _contains(item: Value, container: Value, positive: bool) -> Value:
    if item is UNKNOWN or container is UNKNOWN:
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
    if UNKNOWN in container or not is_known(item) or not isinstance(item, Data):
        return UNKNOWN
    return not positive


def subscript(container: Value, key: Value) -> tuple[bool, Value]:
    """``container[key]``: whether the key is there or may be, and the value."""
    if container is UNKNOWN or not is_known(key):
        return True, UNKNOWN
    if isinstance(container, dict):
        if not isinstance(key, Data):
            return True, UNKNOWN
        try:
            if key in container:
                return True, container[key]
        except TypeError:
            return True, UNKNOWN
        return UNKNOWN in container, UNKNOWN
    if isinstance(container, (list, tuple, str, bytes)) and isinstance(key, (int, slice)):
        if isinstance(container, list) and UNKNOWN in container:
            return True, UNKNOWN
        try:
            return True, container[key]
        except _FAILS:
            return False, UNKNOWN
    return True, UNKNOWN


def set_item(container: Value, key: Value, value: Value, *, certain: bool) -> None:
    """``container[key] = value``."""
    if isinstance(container, dict):
        if key is UNKNOWN or not is_known(key):
            container[UNKNOWN] = UNKNOWN
            return
        try:
            container[key] = value if certain or key not in container else UNKNOWN
        except TypeError:
            container[UNKNOWN] = UNKNOWN
    elif isinstance(container, list) and isinstance(key, int) and -len(container) <= key < len(container):
        container[key] = value


def extend(container: list[Value] | set[Value] | dict[Value, Value], value: Value) -> None:
    """``container += value`` or ``container |= value``."""
    if isinstance(container, dict):
        if isinstance(value, Globals):
            container.update(value.module.namespace)
            if value.module.opaque or value.module.libraries:
                container[UNKNOWN] = UNKNOWN
        elif isinstance(value, dict) and len(container) + len(value) < MAX_SIZE:
            container.update(value)
        else:
            container[UNKNOWN] = UNKNOWN
        return
    items = items_of(value)
    if items is not None and len(container) + len(items) > MAX_SIZE:
        items = None
    try:
        if isinstance(container, list):
            container.extend([UNKNOWN] if items is None else items)
        else:
            container.update([UNKNOWN] if items is None else items)
    except TypeError:
        return


def data_attribute(value: Value, name: str) -> Value | None:
    """A property or method of a known value; ``None`` where there is none that is modelled."""
    for type_, names in _PROPERTIES.items():
        if isinstance(value, type_) and name in names:
            result: Value = getattr(value, name)
            return list(result) if name == "parents" and isinstance(result, Sequence) else result
    for type_, names in _METHODS.items():
        if isinstance(value, type_) and name in names:
            return DataMethod(value, name)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class DataMethod:
    """A method of a known value."""

    value: Value
    name: str


def call_method(method: DataMethod, arguments: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
    """Call a method of a known value. Raises KeyError and its kin as Python would."""
    value, name = method.value, method.name
    if name == "contains" and isinstance(value, SpecifierSet):
        if arguments and isinstance(arguments[0], (str, Version)):
            return value.contains(arguments[0], prereleases=True)
        return UNKNOWN
    if name in _CHANGING and isinstance(value, (list, set, dict)):
        return _change(value, name, arguments, keywords)
    if not all(is_known(argument) for argument in arguments) or not all(map(is_known, keywords.values())):
        return _default(value, name, arguments)
    if isinstance(value, str) and not _stays_short(value, name, arguments, tuple(keywords.values())):
        return UNKNOWN
    if isinstance(value, dict) and name in ("keys", "values", "items", "copy"):
        return _contents(value, name)
    if (
        isinstance(value, dict)
        and name in ("get", "pop")
        and arguments
        and UNKNOWN in value
        and arguments[0] not in value
    ):
        return UNKNOWN
    if name == "sort" and keywords:
        return None
    function: Callable[..., Value] = getattr(value, name)
    return function(*arguments, **keywords)


def _contents(value: dict[Value, Value], name: str) -> Value:
    if name == "values":
        return list(value.values())
    if name == "items":
        return list(value.items())
    return dict(value) if name == "copy" else list(value)


def _stays_short(value: str, name: str, arguments: Sequence[Value], named: Sequence[Value]) -> bool:
    """Whether a method of a text makes a text of bearable length."""
    if name == "format":
        return _is_modest(value, (*arguments, *named))
    if name == "zfill":
        return all(isinstance(width, int) and width < MAX_SIZE for width in arguments)
    if name == "replace" and len(arguments) > 1 and isinstance(arguments[0], str) and isinstance(arguments[1], str):
        return value.count(arguments[0]) * len(arguments[1]) < MAX_SIZE
    if name == "join" and arguments:
        items = items_of(arguments[0]) or []
        return len(items) * len(value) + sum(len(item) for item in items if isinstance(item, str)) < MAX_SIZE
    return True


# Widths of thousands, widths that are arguments themselves, and attributes and items of arguments.
_IMMODEST = re.compile(r"\d{4}|\{[^{}]*[{.\[]")


def _is_modest(pattern: str, arguments: Sequence[Value]) -> bool:
    """Whether formatting these arguments makes a text of bearable length."""
    if len(pattern) > 5_000 or _IMMODEST.search(pattern):
        return False
    longest = max(
        (len(item) for item in arguments if isinstance(item, (str, bytes, list, tuple, dict, set))), default=0
    )
    return longest * (pattern.count("{") + pattern.count("%")) < MAX_SIZE


def _default(value: Value, name: str, arguments: Sequence[Value]) -> Value:
    if isinstance(value, dict) and name == "get" and arguments and is_known(arguments[0]):
        there, item = subscript(value, arguments[0])
        if there:
            return item
        return arguments[1] if len(arguments) > 1 else None
    if isinstance(value, dict) and name in ("keys", "values", "items"):
        return UNKNOWN
    if isinstance(value, (list, set)) and name in ("remove", "pop", "insert", "discard", "clear"):
        extend(value, UNKNOWN)
    return UNKNOWN


def _change(
    value: list[Value] | set[Value] | dict[Value, Value],
    name: str,
    arguments: Sequence[Value],
    keywords: Mapping[str, Value],
) -> Value:
    if isinstance(value, list):
        if name == "append" and arguments:
            value.append(arguments[0])
        elif name == "insert" and len(arguments) == 2:
            value.insert(arguments[0] if isinstance(arguments[0], int) else 0, arguments[1])
        elif name == "extend" and arguments:
            extend(value, arguments[0])
        return None
    if isinstance(value, set):
        for argument in arguments:
            extend(value, (argument,) if name == "add" else argument)
        return None
    if name == "setdefault" and arguments:
        there, item = subscript(value, arguments[0])
        if there:
            return item
        set_item(value, arguments[0], arguments[1] if len(arguments) > 1 else None, certain=True)
        return value.get(arguments[0], UNKNOWN) if is_known(arguments[0]) else UNKNOWN
    if arguments:
        pairs = arguments[0]
        if isinstance(pairs, (list, tuple)) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
            pairs = {pair[0]: pair[1] for pair in pairs if is_known(pair[0])}
        extend(value, pairs)
    value.update(keywords)
    return None


def parse_version(text: Value) -> Value:
    """``packaging.version.parse``; keeps whose version it is."""
    if isinstance(text, Version):
        return text
    if not isinstance(text, str):
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
    if isinstance(value, Data) and not isinstance(value, (SpecifierSet, Requirement)):
        return bool(value)
    if isinstance(value, ForeignObject):
        return UNKNOWN if value.kind in _OPEN_KINDS else True
    if type(value).__name__ in ("Module", "Function", "Class", "Intrinsic", "Method"):
        return True
    return UNKNOWN
