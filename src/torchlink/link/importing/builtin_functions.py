"""What Python's built-in functions return, on paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torchlink.link.importing import attributes, calls, containers, methods, module_names, operations
from torchlink.link.importing.failures import catches
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import (
    UNKNOWN,
    Class,
    ExceptionValue,
    Foreign,
    ForeignObject,
    Function,
    Instance,
    Intrinsic,
    Module,
    Operators,
    State,
    Value,
    exception_names,
    is_known,
    is_text,
)

Call = Callable[[Machine, Sequence[Value], dict[str, Value]], Value]


def ignore(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """A call without an effect that matters here."""
    return None


def identity(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """A call that gives back what it is given."""
    return arguments[0] if arguments else IDENTITY


IDENTITY = Intrinsic("identity", identity)


def pure(function: Callable[..., object]) -> Call:
    """A pure function of known data."""

    def computed(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        if not all(map(_is_data, arguments)) or not all(map(_is_data, keywords.values())):
            return UNKNOWN
        return function(*arguments, **keywords)

    return computed


def _number(function: Callable[..., object]) -> Call:
    """``int`` or ``float``, which may raise for a text that is not known."""
    known = pure(function)

    def computed(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        value = known(machine, arguments, keywords)
        if value is UNKNOWN:
            machine.raise_perhaps(exception_names(ValueError), machine.scope)
        return value

    return computed


def _is_data(value: Value) -> bool:
    return isinstance(value, (*operations.Data, range)) and is_known(value)


# Built-in functions


def _len(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    (value,) = arguments
    if isinstance(value, (str, bytes, tuple, list, dict, set, frozenset)) and is_known(value):
        return len(value)
    return UNKNOWN


def _getattr(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    owner, name = arguments[0], arguments[1]
    if owner is UNKNOWN or not is_text(name):
        return UNKNOWN
    if isinstance(owner, Module):
        machine.by_text += 1
    if len(arguments) > 2:
        there = attributes.has_attribute(machine, owner, name)
        if there is False:
            return arguments[2]
        if there is UNKNOWN and isinstance(owner, (Module, Operators)):
            return UNKNOWN
    return attributes.get_attribute(machine, owner, name)


def _hasattr(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    owner, name = arguments
    if owner is UNKNOWN or not is_text(name):
        return UNKNOWN
    if isinstance(owner, Module):
        distribution = machine.owners.of_module(owner.name)
        if distribution is not None:
            machine.consult(distribution.name)
    return attributes.has_attribute(machine, owner, name)


def set_attribute(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``setattr(owner, name, value)``, and ``object.__setattr__``."""
    owner, name, value = arguments
    machine.change(owner)
    if isinstance(owner, (Module, Class)):
        machine.by_text += 1
    if isinstance(owner, Module):
        if is_text(name):
            owner.namespace[name] = value
        else:
            module_names.bind_native_names(owner, name)
    elif isinstance(owner, Instance):
        if is_text(name):
            owner.attributes[name] = value
        else:
            owner.followed = False
    elif isinstance(owner, Class):
        if is_text(name):
            owner.namespace[name] = value
        else:
            owner.opaque = True
    return None


def _isinstance(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    value, cls = arguments
    if isinstance(value, ExceptionValue):
        answer = catches(cls, value)
        return UNKNOWN if answer is None else answer
    if not isinstance(value, operations.Data) or not is_known(value):
        return UNKNOWN
    options = cls if isinstance(cls, tuple) else (cls,)
    answers = [_is_data_of(value, option) for option in options]
    return True if True in answers else UNKNOWN if UNKNOWN in answers else False


def _is_data_of(value: Value, cls: Value) -> Value:
    """Whether a text, number or container is of a class; only a metaclass could say so of one written in Python."""
    if isinstance(cls, (Foreign, Intrinsic)):
        known = operations.TYPES.get(cls.name.rpartition(".")[2])
        return UNKNOWN if known is None else isinstance(value, known)
    return False if isinstance(cls, Class) and attributes.is_plain(cls) else UNKNOWN


def _dir(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    (owner,) = arguments
    if isinstance(owner, Module) and owner.libraries and not owner.opaque:
        return ForeignObject("names", tuple(owner.libraries))
    if isinstance(owner, Module) and _is_listed(owner):
        return sorted(owner.namespace)
    return (
        ForeignObject("names", owner.data) if isinstance(owner, ForeignObject) and owner.kind == "native" else UNKNOWN
    )


def _is_listed(module: Module) -> bool:
    """Whether everything that a module binds is known."""
    hidden = module.opaque or module.stdlib or "__dir__" in module.namespace
    return module.state is State.DONE and module.path.endswith(".py") and not hidden


def _callable(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    (value,) = arguments
    if isinstance(value, (Function, Class, Intrinsic)):
        return True
    return False if isinstance(value, operations.Data) else UNKNOWN


def container(type_: type) -> Call:
    """A call of ``list``, ``dict`` and the like."""

    def make(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        if type_ is dict:
            result: dict[Value, Value] = {}
            if arguments:
                methods.call_method(methods.DataMethod(result, "update"), arguments, {})
            result.update(keywords)
            return result
        if not arguments:
            return type_()
        items = containers.items_of(arguments[0])
        if items is None or (UNKNOWN in items and type_ in (tuple, frozenset)):
            return UNKNOWN
        return type_(items)

    return make


def _map(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    items = containers.items_of(arguments[1])
    if items is None or len(arguments) != 2 or len(items) > 1000:
        return UNKNOWN
    machine.spend(len(items))
    answers = [calls.call(machine, arguments[0], [item], {}) for item in items]
    return [*answers, UNKNOWN] if UNKNOWN in items and UNKNOWN not in answers else answers


def _filter(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    items = containers.items_of(arguments[1])
    if items is None or len(items) > 1000:
        return UNKNOWN
    machine.spend(len(items))
    kept: list[Value] = []
    for item in items:
        answer = operations.truth_of(item if arguments[0] is None else calls.call(machine, arguments[0], [item], {}))
        if answer is UNKNOWN:
            return UNKNOWN
        if answer:
            kept.append(item)
    return kept


def _all_or_any(stop: bool) -> Call:
    def decide(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        items = containers.items_of(arguments[0])
        if items is None:
            return UNKNOWN
        truths = [operations.truth_of(item) for item in items]
        if stop in truths:
            return stop
        return UNKNOWN if UNKNOWN in truths else not stop

    return decide


def _iterate(function: Callable[..., Sequence[object]]) -> Call:
    def make(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        known = [containers.items_of(argument) for argument in arguments]
        if any(items is None or len(items) > 10_000 or UNKNOWN in items for items in known) or keywords:
            return UNKNOWN
        return function(*known)

    return make


def _range(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    numbers = [argument for argument in arguments if isinstance(argument, int)]
    if len(numbers) != len(arguments):
        return UNKNOWN
    result = range(*numbers)
    return list(result) if len(result) <= 10_000 else UNKNOWN


def _sorted(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    items = containers.items_of(arguments[0])
    backwards = operations.truth_of(keywords.get("reverse", False))
    if items is None or backwards is UNKNOWN or len(items) > 1000:
        return UNKNOWN
    keys = items
    if keywords.get("key") is not None:
        machine.spend(len(items))
        keys = [calls.call(machine, keywords["key"], [item], {}) for item in items]
    if not all(map(_is_data, keys)):
        # They are the same items, in an order that is not known.
        return frozenset(items) if "key" in keywords and all(map(_is_data, items)) else UNKNOWN
    order = sorted(range(len(items)), key=keys.__getitem__, reverse=bool(backwards))  # type: ignore[arg-type]
    return [items[index] for index in order]


FUNCTIONS: dict[str, Call] = {
    "builtins.len": _len,
    "builtins.getattr": _getattr,
    "builtins.hasattr": _hasattr,
    "builtins.setattr": set_attribute,
    "builtins.object.__setattr__": set_attribute,
    "builtins.isinstance": _isinstance,
    "builtins.callable": _callable,
    "builtins.dir": _dir,
    "builtins.tuple": container(tuple),
    "builtins.list": container(list),
    "builtins.set": container(set),
    "builtins.frozenset": container(frozenset),
    "builtins.dict": container(dict),
    "builtins.map": _map,
    "builtins.filter": _filter,
    "builtins.all": _all_or_any(False),
    "builtins.any": _all_or_any(True),
    "builtins.range": _range,
    "builtins.sorted": _sorted,
    "builtins.zip": _iterate(lambda *items: list(zip(*items, strict=False))),
    "builtins.enumerate": _iterate(lambda items: list(enumerate(items))),
    "builtins.reversed": _iterate(lambda items: list(reversed(items))),
    "builtins.str": pure(str),
    "builtins.int": _number(int),
    "builtins.float": _number(float),
    "builtins.bool": lambda machine, arguments, keywords: operations.truth_of(arguments[0]) if arguments else False,
    "builtins.min": pure(min),
    "builtins.max": pure(max),
    "builtins.abs": pure(abs),
    "builtins.repr": pure(repr),
    "builtins.print": ignore,
}
