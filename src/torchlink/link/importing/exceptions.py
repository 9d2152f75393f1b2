"""``try``, ``raise``, ``assert`` and ``with``: who catches what."""

from __future__ import annotations

from torchlink.link.importing import (
    binding,
    branches,
    expressions,
    gates,
    managers,
    statements,
)
from torchlink.link.importing.failures import Cause, Raised, catches, exception
from torchlink.link.importing.machine import RAISED, Machine
from torchlink.link.importing.values import (
    UNKNOWN,
    Event,
    ExceptionValue,
    Instance,
    Scope,
    Value,
    exception_names,
)
from torchlink.model.source import Node


def try_(machine: Machine, scope: Scope, statement: Node) -> statements.Signal | None:
    """Run the body, and the handler that takes what it raised."""
    _, _, body, handlers, otherwise, finally_ = statement
    running = machine.running
    guards = running.guards
    guards.append(guard_of(handlers))
    doubted, running.doubted = running.doubted, False
    outer, running.raised_perhaps = running.raised_perhaps, False
    before, left = dict(scope.variables), scope.perhaps_left
    raised: Raised | None = None
    signal: statements.Signal | None = None
    try:
        try:
            signal = statements.run_block(machine, scope, body)
        except Raised as error:
            raised = error
        finally:
            guards.pop()
            _leave(scope, left)
        if raised is not None:
            signal = _handle(machine, scope, raised, handlers)
        elif running.raised_perhaps:
            _left_perhaps(machine, scope, before, handlers)
            scope.result = UNKNOWN if signal is statements.Signal.RETURN else scope.result
            branches.perhaps(machine, scope, (otherwise, ()))
        else:
            if running.doubted:
                _handle_perhaps(machine, scope, handlers)
            if signal is None and otherwise:
                signal = statements.run_block(machine, scope, otherwise)
    except Raised:
        running.doubted = doubted
        ended = statements.run_block(machine, scope, finally_)
        if ended is None:
            raise
        # A ``return`` in ``finally`` drops the exception.
        return ended
    running.doubted = doubted
    running.raised_perhaps = outer or (running.raised_perhaps and not _takes_all(handlers))
    return statements.run_block(machine, scope, finally_) or signal


def _leave(scope: Scope, left: frozenset[str]) -> None:
    """What was perhaps raised in a body reaches no further than that."""
    if RAISED in scope.perhaps_left - left:
        rest = scope.perhaps_left - {RAISED}
        scope.perhaps_left = left if rest == left else rest


def _left_perhaps(machine: Machine, scope: Scope, before: dict[str, Value], handlers: tuple[Node, ...]) -> None:
    """Something was perhaps raised in the body: it was perhaps left there, and a handler run."""
    branches.forget_since(scope, before)
    for _, name, body in handlers:
        if name:
            binding.bind(machine, scope, name, UNKNOWN)
        branches.perhaps(machine, scope, (body, ()))


def _takes_all(handlers: tuple[Node, ...]) -> bool:
    return not {"", "Exception", "BaseException"}.isdisjoint(guard_of(handlers))


def _handle_perhaps(machine: Machine, scope: Scope, handlers: tuple[Node, ...]) -> None:
    """An item with an unknown key may not be there: what waits for that runs perhaps."""
    for type_, name, body in handlers:
        if not statements.MISSING_ITEM.isdisjoint(guard_of(((type_, name, body),))):
            if name:
                binding.bind(machine, scope, name, UNKNOWN)
            branches.perhaps(machine, scope, (body, ()))


def guard_of(handlers: tuple[Node, ...]) -> tuple[str, ...]:
    """The names in ``except`` clauses; an empty name for a bare one."""
    names: list[str] = []
    for type_, _, _ in handlers:
        if type_ is None:
            names.append("")
        elif type_[0] == "tuple":
            names.extend(_last_name(item) for item in type_[1])
        else:
            names.append(_last_name(type_))
    return tuple(names)


def _last_name(node: Node) -> str:
    if node[0] == "n":
        return str(node[1])
    return str(node[2]) if node[0] == "a" else "?"


def _handle(machine: Machine, scope: Scope, raised: Raised, handlers: tuple[Node, ...]) -> statements.Signal | None:
    for type_, name, body in handlers:
        handler = BaseException if type_ is None else expressions.evaluate(machine, scope, type_)
        if catches(handler, raised.value) is False:
            continue
        outer = scope.exception
        scope.exception = raised.value
        if name:
            binding.bind(machine, scope, name, raised.value)
        try:
            signal = statements.run_block(machine, scope, body)
        except Raised as second:
            _chain_failures(raised, second)
            raise
        finally:
            scope.exception = outer
        _note_caught(machine, raised)
        return signal
    raise raised


def _chain_failures(first: Raised, second: Raised) -> None:
    """An exception that is raised while another one is handled has the other's root cause."""
    if second.value is first.value:
        return
    failure = first.failure
    if failure is not None and (second.failure is None or second.failure.cause in (Cause.GATE, Cause.OTHER)):
        second.value.failure = failure
        names = exception_names(second.value.cls)
        failure.raised.append(f"{names[0] if names else 'Exception'}: {second.value.message}")


def _note_caught(machine: Machine, raised: Raised) -> None:
    failure = raised.failure
    if failure is not None:
        place = machine.place(machine.running.module, machine.running.line)
        machine.record(Event(machine.running.line, place, lost=failure))


def raise_(machine: Machine, scope: Scope, statement: Node) -> None:
    """``raise``, with the failure that is its cause."""
    _, line, expression = statement
    if expression is None:
        raise Raised(_current_exception(scope) or exception(Exception, ""))
    value = expressions.evaluate(machine, scope, expression)
    raise gates.raised(machine, value, line)


def _current_exception(scope: Scope | None) -> ExceptionValue | None:
    while scope is not None:
        if scope.exception is not None:
            return scope.exception
        scope = scope.parent
    return None


def assert_(machine: Machine, scope: Scope, statement: Node) -> None:
    """``assert``: an AssertionError where the test is known to fail."""
    _, line, test, message = statement
    if expressions.truth(machine, scope, test) is False:
        text = expressions.evaluate(machine, scope, message) if message else ""
        raise gates.raised(machine, exception(AssertionError, text if isinstance(text, str) else ""), line)


def with_(machine: Machine, scope: Scope, statement: Node) -> statements.Signal | None:
    """Run the body under its managers, some of which swallow exceptions."""
    _, _, items, body = statement
    context: list[Value] = []
    for expression, target in items:
        manager = expressions.evaluate(machine, scope, expression)
        context.append(manager)
        if target is not None:
            entered = manager if isinstance(manager, Instance) else UNKNOWN
            binding.assign(machine, scope, target, entered)
    running = machine.running
    guards = running.guards
    guards.append(managers.suppressed(context))
    outer, running.raised_perhaps = running.raised_perhaps, False
    before, left = dict(scope.variables) if guards[-1] else {}, scope.perhaps_left
    try:
        signal = statements.run_block(machine, scope, body)
        if running.raised_perhaps and guards[-1]:
            branches.forget_since(scope, before)
        return signal
    except Raised as raised:
        answer = managers.swallows(machine, context, raised)
        if answer is False:
            raise
        _note_caught(machine, raised)
        return None
    finally:
        running.raised_perhaps = outer or (running.raised_perhaps and not guards[-1])
        _leave(scope, left)
        guards.pop()
