"""Methods and properties of known values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from torchlink.link.importing import containers, operations
from torchlink.link.importing.texts import PartlyKnown
from torchlink.link.importing.values import (
    UNKNOWN,
    Value,
    is_known,
    is_text,
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Each is pure, or changes the container that it belongs to.
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
_LOOKING = _words("count index issubset issuperset isdisjoint difference intersection symmetric_difference")
_TAKING = _words("remove pop clear sort reverse discard difference_update intersection_update")


def data_attribute(value: Value, name: str) -> Value | None:
    """A property or method of a known value; ``None`` where there is none that is modelled."""
    if isinstance(value, PartlyKnown):
        return UNKNOWN
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


def changes(method: DataMethod) -> bool:
    """Whether a method changes its container."""
    return method.name in _TAKING or method.name in _CHANGING


def change_perhaps(method: DataMethod) -> bool:
    """Call a method that changes its container, if it does, under a condition that is not known."""
    if not isinstance(method.value, (list, set, dict)):
        return False
    if method.name in _TAKING:
        containers.forget(method.value)
    elif method.name in _CHANGING:
        containers.extend(method.value, UNKNOWN)
    else:
        return False
    return True


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
        if isinstance(value, str) and name == "format":
            return _partly_formatted(value, arguments, keywords)
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
    if name in _LOOKING and not is_known(value):
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
        return is_modest(value, (*arguments, *named))
    if name == "zfill":
        return all(isinstance(width, int) and width < operations.MAX_SIZE for width in arguments)
    if name == "replace" and len(arguments) > 1 and isinstance(arguments[0], str) and isinstance(arguments[1], str):
        return value.count(arguments[0]) * len(arguments[1]) < operations.MAX_SIZE
    if name == "join" and arguments:
        items = containers.items_of(arguments[0]) or []
        return len(items) * len(value) + sum(len(item) for item in items if isinstance(item, str)) < operations.MAX_SIZE
    return True


# Widths of thousands, widths that are arguments themselves, and attributes and items of arguments.
_IMMODEST = re.compile(r"\d{4}|\{[^{}]*[{.\[]")


def is_modest(pattern: str, arguments: Sequence[Value]) -> bool:
    """Whether formatting these arguments makes a text of bearable length."""
    if len(pattern) > 5_000 or _IMMODEST.search(pattern):
        return False
    longest = max(
        (len(item) for item in arguments if isinstance(item, (str, bytes, list, tuple, dict, set))), default=0
    )
    return longest * (pattern.count("{") + pattern.count("%")) < operations.MAX_SIZE


def _default(value: Value, name: str, arguments: Sequence[Value]) -> Value:
    if isinstance(value, dict) and name == "get" and arguments and is_known(arguments[0]):
        there, item = containers.subscript(value, arguments[0])
        if there:
            return item
        return arguments[1] if len(arguments) > 1 else None
    if isinstance(value, dict) and name in ("keys", "values", "items"):
        return UNKNOWN
    if isinstance(value, (list, set, dict)) and name in _TAKING:
        containers.forget(value)
    return UNKNOWN


def _partly_formatted(template: str, arguments: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
    """``template.format(...)`` with values of which some are not known."""
    given = [argument if is_text(argument) else "…" for argument in arguments]
    named = {key: argument if is_text(argument) else "…" for key, argument in keywords.items()}
    if not is_modest(template, (*given, *named.values())):
        return UNKNOWN
    return PartlyKnown(template.format(*given, **named))


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
            containers.extend(value, arguments[0])
        return None
    if isinstance(value, set):
        for argument in arguments:
            containers.extend(value, (argument,) if name == "add" else argument)
        return None
    if name == "setdefault" and arguments:
        key, default = arguments[0], arguments[1] if len(arguments) > 1 else None
        there, item = containers.subscript(value, key)
        if not is_known(key) or not there:
            containers.set_item(value, key, default, certain=True)
        return item if there else default
    if arguments:
        pairs = arguments[0]
        if isinstance(pairs, (list, tuple)) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
            for key, item in pairs:
                containers.set_item(value, key, item, certain=True)
        else:
            containers.extend(value, pairs)
    value.update(keywords)
    return None
