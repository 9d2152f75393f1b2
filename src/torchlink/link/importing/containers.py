"""What containers hold, and how it changes.

Among the items of a list, set or dict, ``UNKNOWN`` stands for any number of items that are not known.
"""

from __future__ import annotations

from collections.abc import Iterable

from torchlink.link.importing import operations
from torchlink.link.importing.texts import PartlyKnown
from torchlink.link.importing.values import (
    UNKNOWN,
    Class,
    Foreign,
    ForeignObject,
    Function,
    Instance,
    Value,
    Variable,
    is_known,
)

_ENUMS = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag"})


def items_of(value: Value) -> list[Value] | None:
    """The items of a known iterable, in order; ``None`` where they are not known."""
    if isinstance(value, (list, tuple, set, frozenset, dict, range)):
        if isinstance(value, (set, frozenset)) and all(isinstance(item, str) for item in value):
            return sorted(value)
        return list(value)
    if isinstance(value, str):
        return None if isinstance(value, PartlyKnown) else list(value)
    if isinstance(value, Class) and any(isinstance(base, Foreign) and base.name in _ENUMS for base in value.bases):
        return [_member(name, item) for name, item in value.namespace.items() if _is_member(name, item)]
    return None


def _is_member(name: str, item: Value) -> bool:
    return not name.startswith("_") and not isinstance(item, (Function, Class))


def _member(name: str, value: Value) -> Value:
    return ForeignObject("member", (name, value if isinstance(value, (str, int)) else UNKNOWN))


def subscript(container: Value, key: Value) -> tuple[bool, Value]:
    """``container[key]``: whether the key is there or may be, and the value."""
    if container is UNKNOWN or isinstance(container, PartlyKnown) or not is_known(key):
        return True, UNKNOWN
    if isinstance(container, dict):
        if not isinstance(key, operations.Data):
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
        except operations.FAILS:
            return False, UNKNOWN
    return True, UNKNOWN


def set_item(container: Value, key: Value, value: Value, *, certain: bool) -> None:
    """``container[key] = value``."""
    if isinstance(container, dict):
        if not is_known(key) or not (certain or key in container):
            container[UNKNOWN] = UNKNOWN
            return
        try:
            container[key] = value if certain else UNKNOWN
        except TypeError:
            container[UNKNOWN] = UNKNOWN
    elif isinstance(container, list):
        if isinstance(key, int) and -len(container) <= key < len(container):
            container[key] = value if certain else UNKNOWN
        else:
            _set_slice(container, key, value, certain=certain)


def _set_slice(container: list[Value], key: Value, value: Value, *, certain: bool) -> None:
    items = items_of(value)
    if certain and isinstance(key, slice) and items is not None and UNKNOWN not in container:
        try:
            container[key] = items
        except ValueError:  # an extended slice takes as many items as it has
            return
    else:
        forget(container)


def forget(container: list[Value] | set[Value] | dict[Value, Value]) -> None:
    """What a container holds is not known any more."""
    container.clear()
    extend(container, UNKNOWN)


def delete_item(container: Value, key: Value) -> None:
    """``del container[key]``."""
    if not isinstance(container, (list, dict)):
        return
    if not is_known(key) or UNKNOWN in container:
        forget(container)
        return
    try:
        del container[key]  # type: ignore[arg-type]
    except operations.FAILS:
        return


def leave_open(values: Iterable[Value]) -> None:
    """What a call that is not followed may do: give an object attributes, a container items, a variable a value."""
    for value in values:
        if isinstance(value, Instance):
            value.followed = False
        elif isinstance(value, (list, set, dict)):
            extend(value, UNKNOWN)
        elif isinstance(value, Variable):
            value.variables[value.name] = UNKNOWN


def extend(container: list[Value] | set[Value] | dict[Value, Value], value: Value) -> None:
    """``container += value`` or ``container |= value``."""
    if isinstance(container, dict):
        if isinstance(value, operations.Globals):
            container.update(value.module.namespace)
            if value.module.opaque or value.module.libraries:
                container[UNKNOWN] = UNKNOWN
        elif isinstance(value, dict) and len(container) + len(value) < operations.MAX_SIZE:
            container.update(value)
        else:
            container[UNKNOWN] = UNKNOWN
        return
    items = items_of(value)
    if items is not None and len(container) + len(items) > operations.MAX_SIZE:
        items = None
    try:
        if isinstance(container, list):
            open_already = UNKNOWN in container
            added = [UNKNOWN] if items is None else items
            # One stands for any number of items that are not known.
            container.extend(item for item in added if item is not UNKNOWN or not open_already)
        else:
            container.update([UNKNOWN] if items is None else items)
    except TypeError:
        return
