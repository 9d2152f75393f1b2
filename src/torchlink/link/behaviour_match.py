"""Does a rule's condition hold of a call? Yes, no, or it cannot be known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from torchlink.link.behaviour_names import Codebase
from torchlink.model.rules import ArgumentTest, Is, Rule
from torchlink.model.uses import UNKNOWN, Call, Constant, Items, Name, Part, Table, Value

Truth = bool | None
"""``None`` where it cannot be known."""

_MISSING = Name("")
_DEVICE = "torch.device"


def argument(call: Call, name: str, position: int | None) -> Value:
    """An argument's value: ``UNKNOWN`` where it may be given by something that is unpacked, ``Name("")`` without it."""
    for given, value in reversed(call.keywords):
        if given == name:
            return value
    if position is not None and position < len(call.positional):
        return call.positional[position]
    return UNKNOWN if call.rest else _MISSING


def is_missing(value: Value) -> bool:
    """Whether ``argument`` found none."""
    return value == _MISSING


def holds(rule: Rule, call: Call, code: Codebase, saves: Iterable[Call] = ()) -> Truth:
    """Whether all the conditions of a rule hold of a call.

    Args:
        rule: The rule; that it is about this function is known already.
        call: The call, resolved.
        code: The files that it stands in.
        saves: The project's calls of ``torch.save``.
    """
    return _all(_test(test, call, code, tuple(saves)) for test in rule.arguments)


def _all(truths: Iterable[Truth]) -> Truth:
    every = list(truths)
    if any(truth is False for truth in every):
        return False
    return None if any(truth is None for truth in every) else True


def _any(truths: Iterable[Truth]) -> Truth:
    every = list(truths)
    if any(every):
        return True
    return None if any(truth is None for truth in every) else False


def _test(test: ArgumentTest, call: Call, code: Codebase, saves: tuple[Call, ...]) -> Truth:
    if "|" in test.name:
        names = test.name.split("|")
        return _any(_test(replace(test, name=name), call, code, saves) for name in names)
    value = argument(call, test.name, test.position)
    if test.test in _SIMPLE:
        return _SIMPLE[test.test](test, _device(value))
    if is_missing(value):
        return False
    match test.test:
        case Is.DERIVED:
            return _derived(test, value, code, saves)
        case Is.SAVED:
            return _saved(test, value, saves)
        case _:
            return _lacks(test, value)


def _default(_: ArgumentTest, value: Value) -> Truth:
    if is_missing(value) or value == Constant(None):
        return True
    return False if isinstance(value, (Constant, Items, Table)) else None


def _given(_: ArgumentTest, value: Value) -> Truth:
    return None if value is UNKNOWN else not is_missing(value)


def _one_of(test: ArgumentTest, value: Value) -> Truth:
    if is_missing(value):
        return False
    known = _known(value)
    return None if known is UNKNOWN else known in test.values


def _none_of(test: ArgumentTest, value: Value) -> Truth:
    # A table of devices maps those that it names, and a function is nearly always the idiom that keeps the CPU.
    if is_missing(value) or value == Constant(None) or isinstance(value, Table):
        return False
    if isinstance(value, Name) and value.dotted == "builtins.<lambda>":
        return False
    known = _known(value)
    return None if known is UNKNOWN else known not in test.values


def _other_than(test: ArgumentTest, value: Value) -> Truth:
    if is_missing(value):
        return True
    known = _known(value)
    return None if known is UNKNOWN else known not in test.values


_SIMPLE: dict[Is, Callable[[ArgumentTest, Value], Truth]] = {
    Is.DEFAULT: _default,
    Is.GIVEN: _given,
    Is.ONE_OF: _one_of,
    Is.NONE_OF: _none_of,
    Is.OTHER_THAN: _other_than,
}


def _known(value: Value) -> object:
    """The Python value of a constant, or the full name of what is named; ``UNKNOWN`` of all else."""
    match value:
        case Constant(known):
            return known
        case Name(dotted):
            return dotted
    return UNKNOWN


def _device(value: Value) -> Value:
    """``torch.device("cuda", 0)`` is what it is made of."""
    if isinstance(value, Call) and value.callee == Name(_DEVICE):
        return value.positional[0] if value.positional else UNKNOWN
    return value


def _derived(test: ArgumentTest, value: Value, code: Codebase, saves: tuple[Call, ...]) -> Truth:
    """Whether a value is a part of what a function returned, untouched."""
    origin = origin_of(value)
    if not isinstance(origin, Call) or origin.callee != Name(test.source):
        return False
    return _all(_test(inner, origin, code, saves) for inner in test.where)


def origin_of(value: Value) -> Value:
    """What a value was taken out of by keys and ``get``."""
    while True:
        match value:
            case Part(of=of, attribute=False):
                value = of
            case Call(callee=Part(of=of, key=Constant(value="get"), attribute=True)):
                value = of
            case _:
                return value


def key_of(value: Value) -> str:
    """The key under which a value was taken out of another; empty where it cannot be told."""
    match value:
        case Part(key=Constant(value=str(key)), attribute=False):
            return key
        case Call(callee=Part(key=Constant(value="get")), positional=(Constant(value=str(key)), *_)):
            return key
    return ""


def _saved(test: ArgumentTest, value: Value, saves: tuple[Call, ...]) -> Truth:
    """Whether the project saves under this key what one of the functions or methods in ``values`` returns."""
    key = key_of(value)
    if not key:
        return False
    objects = [call.positional[0] for call in saves if call.positional]
    kept = [found for table in objects if isinstance(table, Table) and (found := table.get(key)) is not None]
    return bool(kept) and all(_made_by(one) in test.values for one in kept)


def _made_by(value: Value) -> str:
    match value:
        case Call(callee=Name(dotted)):
            return dotted
        case Call(callee=Part(key=Constant(value=str(method)), attribute=True)):
            return f".{method}"
    return ""


def _lacks(test: ArgumentTest, value: Value) -> Truth:
    if not isinstance(value, Items):
        return None
    names = [listed(item) for item in value.values]
    if not any(name in test.values for name in names):
        return False if all(names) else None
    lacking = [group for group in test.wanted if not any(_matches(name, group) for name in names)]
    if not lacking:
        return False
    return True if all(names) else None


def _matches(name: str, group: tuple[str, ...]) -> bool:
    return any(name == one or (one.endswith(".*") and name.startswith(one[:-1])) for one in group)


def listed(item: Value) -> str:
    """The name under which an entry of an allow list is known; empty where it cannot be told."""
    match item:
        case Name(dotted):
            return dotted
        case Items(values=(_, Constant(value=str(name)))):
            return f"={name}"
    return ""
