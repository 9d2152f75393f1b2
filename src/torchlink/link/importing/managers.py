"""Decorators and context managers."""

from __future__ import annotations

from collections.abc import Sequence

from torchlink.link.importing import (
    attributes,
    calls,
    exceptions,
    expressions,
    intrinsics,
    operations,
)
from torchlink.link.importing.failures import Raised, catches
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import (
    UNKNOWN,
    Class,
    Foreign,
    ForeignObject,
    Function,
    Instance,
    Intrinsic,
    Method,
    Scope,
    Value,
    exception_names,
)
from torchlink.model.source import Node


def decorate(machine: Machine, scope: Scope, decorator: Node, value: Value) -> Value:
    """The value of a decorated function or class. Where the decorator's answer is unknown, what it was given."""
    if decorator[0] == "a" and decorator[2] in ("setter", "deleter"):
        # ``@size.setter`` above another ``size``: the property, which reads as before.
        accessed = expressions.evaluate(machine, scope, decorator[1])
        if isinstance(accessed, Function) and accessed.attributes.get("__kind__") == "property":
            return accessed
    known = expressions.evaluate(machine, scope, decorator)
    if isinstance(known, Foreign):
        kind = intrinsics.DECORATORS.get(known.name)
        if kind and isinstance(value, Function):
            value.attributes["__kind__"] = kind
        return value
    if isinstance(known, Intrinsic) or (isinstance(known, Function) and not known.decorated):
        answer = calls.call(machine, known, [value], {})
        if answer is not UNKNOWN and answer is not None:
            return answer
    if isinstance(value, Function):
        value.decorated = True
    elif isinstance(value, Class):
        value.opaque = True
    return value


def suppressed(managers: Sequence[Value]) -> tuple[str, ...]:
    """The exceptions that ``with`` swallows, by name, as a guard; an unknown manager may swallow all."""
    names: list[str] = []
    for manager in managers:
        if isinstance(manager, ForeignObject) and manager.kind == "suppress":
            names.extend(name for cls in manager.data for name in exception_names(cls)[:1])
        elif isinstance(manager, ForeignObject) and manager.kind == "context":
            names.extend(_swallowed(manager))
    return tuple(names)


def _swallowed(manager: ForeignObject) -> list[str]:
    """The exceptions that the ``except`` clauses of a context manager's generator take for good, by name."""
    (function,) = manager.data
    pending = list(function.body or ()) if isinstance(function, Function) else []
    names: list[str] = []
    for statement in pending:
        if statement[0] == "try":
            kept = tuple(handler for handler in statement[3] if not any(one[0] == "raise" for one in handler[2]))
            names.extend(exceptions.guard_of(kept))
            pending.extend(statement[2])
        elif statement[0] in ("with", "if"):
            pending.extend(statement[3])
    return names


def swallows(machine: Machine, managers: Sequence[Value], raised: Raised) -> bool:
    """Whether ``with`` ends an exception, as far as can be told; an unknown ``__exit__`` may, so it does."""
    for manager in managers:
        if isinstance(manager, ForeignObject) and manager.kind == "suppress":
            if catches(tuple(manager.data), raised.value) is not False:
                return True
        elif isinstance(manager, ForeignObject) and manager.kind == "context":
            if {"", *exception_names(raised.value.cls)}.intersection(_swallowed(manager)):
                return True
        elif isinstance(manager, Instance):
            leave = attributes.find_member((manager.cls,), "__exit__")
            if isinstance(leave, Function):
                answer = calls.call(machine, Method(leave, manager), [UNKNOWN, UNKNOWN, UNKNOWN], {})
                if answer is UNKNOWN or operations.truth_of(answer) is True:
                    return True
    return False
