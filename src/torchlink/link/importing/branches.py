"""Conditions and loops: the branch that is taken, or all of them, perhaps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress, islice
from operator import is_not

from torchlink.link.importing import (
    binding,
    containers,
    expressions,
    statements,
)
from torchlink.link.importing.failures import Raised
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import (
    UNKNOWN,
    ForeignObject,
    Scope,
    Value,
    exception_names,
)
from torchlink.model.source import Block, Node

MAX_ITERATIONS = 300
"""A loop over more known items than this is run once, perhaps."""


def if_(machine: Machine, scope: Scope, statement: Node) -> statements.Signal | None:
    """The branch that is taken; all of them, perhaps, where that is not known."""
    test = expressions.truth(machine, scope, statement[2])
    if test is UNKNOWN:
        return perhaps(machine, scope, (statement[3], statement[4]))
    return statements.run_block(machine, scope, statement[3] if test else statement[4])


def perhaps(machine: Machine, scope: Scope, blocks: tuple[Block, ...]) -> statements.Signal | None:
    """Run blocks of which one will be run, nobody knows which. What they bind differently is unknown afterwards."""
    before = dict(scope.variables)
    outcomes: list[dict[str, Value]] = []
    signals: list[statements.Signal | None] = []
    for block in blocks:
        ended: statements.Signal | None = None
        failed = False
        machine.perhaps += 1
        try:
            ended = statements.run_block(machine, scope, block)
        except Raised as raised:
            failed = True
            machine.raise_perhaps(exception_names(raised.value.cls), scope)
        finally:
            machine.perhaps -= 1
        if failed:
            scope.left_with.update(_changed(before, scope.variables))
            _restore(scope, before)
            continue
        signals.append(ended)
        if ended is not None:
            if ended is statements.Signal.RETURN:
                scope.perhaps_returned = True
            if ended.value not in scope.perhaps_left:
                scope.perhaps_left |= {ended.value}
            scope.left_with.update(_changed(before, scope.variables))
            _restore(scope, before)
            continue
        outcomes.append(dict(scope.variables))
        _restore(scope, before)
    if outcomes:
        _join(scope, before, outcomes)
    if signals and None not in signals and len(signals) == len(blocks) and len(set(signals)) == 1:
        if signals[0] is statements.Signal.RETURN:
            scope.result = UNKNOWN
        return signals[0]
    return None


def _restore(scope: Scope, before: dict[str, Value]) -> None:
    scope.variables.clear()
    scope.variables.update(before)


def _join(scope: Scope, before: dict[str, Value], outcomes: list[dict[str, Value]]) -> None:
    first = outcomes[0]
    if len(outcomes) == 1:
        scope.variables.update(first)
        return
    for name in {name for outcome in outcomes for name in _changed(before, outcome)}:
        values = [outcome[name] for outcome in outcomes if name in outcome]
        scope.variables[name] = values[0] if all(same(values[0], value) for value in values) else UNKNOWN


def _changed(before: dict[str, Value], after: dict[str, Value]) -> Iterator[str]:
    """The names that are bound anew. ``after`` began as a copy, so that its first names are those of ``before``."""
    yield from compress(before, map(is_not, before.values(), after.values()))
    yield from islice(after, len(before), None)


def forget_since(scope: Scope, before: dict[str, Value]) -> None:
    """What was bound since then is not known any more: the code may have been left before."""
    scope.left_with.update(_changed(before, scope.variables))
    forget_left(scope)


def forget_left(scope: Scope) -> None:
    """Where ways out of a block meet again, what was bound on one of them is not known."""
    scope.variables.update(dict.fromkeys(scope.left_with, UNKNOWN))
    scope.left_with.clear()


def same(left: Value, right: Value) -> bool:
    """Whether two values are certainly the same."""
    if left is right:
        return True
    plain = (str, int, float, bool, type(None), ForeignObject)
    return type(left) is type(right) and isinstance(left, plain) and left == right


def for_(machine: Machine, scope: Scope, statement: Node) -> statements.Signal | None:
    """Run the body for each known item; once, perhaps, where they are not known."""
    _, _, target, iterable, body, otherwise = statement
    value = expressions.evaluate(machine, scope, iterable)
    items = containers.items_of(value)
    if items is None or len(items) > MAX_ITERATIONS or machine.exhausted or UNKNOWN in items:
        item: Value = (
            ForeignObject("name", value.data) if isinstance(value, ForeignObject) and value.kind == "names" else UNKNOWN
        )
        return _loop_perhaps(machine, scope, target, (body, otherwise), item)
    outer = scope.perhaps_left
    try:
        for item in items:
            binding.assign(machine, scope, target, item)
            signal = _round(machine, scope, body, outer)
            if signal is statements.Signal.BREAK:
                return None
            if signal is statements.Signal.RETURN:
                return signal
        return _round(machine, scope, otherwise, outer)
    finally:
        _leave_loop(scope, outer)


def _round(machine: Machine, scope: Scope, block: Block, outer: frozenset[str]) -> statements.Signal | None:
    """Run one round of a loop, or its ``else``: perhaps, once an earlier round has perhaps left the loop."""
    if scope.perhaps_left is not outer:
        left = scope.perhaps_left - {statements.Signal.CONTINUE.value} | outer
        if left != outer:
            perhaps(machine, scope, (block, ()))
            return None
        scope.perhaps_left = outer
    return statements.run_block(machine, scope, block)


def _leave_loop(scope: Scope, outer: frozenset[str]) -> None:
    """What is left undecided by a loop: of the ways to end a block, ``return`` alone reaches further."""
    forget_left(scope)
    left = outer | (scope.perhaps_left & {statements.Signal.RETURN.value})
    scope.perhaps_left = outer if left == outer else left


def _loop_perhaps(
    machine: Machine, scope: Scope, target: Node | None, blocks: tuple[Block, Block], item: Value = UNKNOWN
) -> statements.Signal | None:
    """Run the body of a loop once, perhaps, and its ``else`` where nothing leaves the loop before."""
    body, otherwise = blocks
    if target is not None:
        binding.assign(machine, scope, target, item)
    outer = scope.perhaps_left
    perhaps(machine, scope, (body, ()))
    broken = statements.Signal.BREAK.value in scope.perhaps_left - outer
    _leave_loop(scope, outer)
    if broken:
        return perhaps(machine, scope, (otherwise, ()))
    return statements.run_block(machine, scope, otherwise)


def while_(machine: Machine, scope: Scope, statement: Node) -> statements.Signal | None:
    """Run the body as long as the condition is known to hold."""
    _, _, test, body, otherwise = statement
    outer = scope.perhaps_left
    for _ in range(MAX_ITERATIONS):
        value = expressions.truth(machine, scope, test)
        if value is UNKNOWN or machine.exhausted or scope.perhaps_left is not outer:
            signal = _loop_perhaps(machine, scope, None, (body, otherwise))
            _leave_loop(scope, outer)
            return signal
        if not value:
            return statements.run_block(machine, scope, otherwise)
        signal = statements.run_block(machine, scope, body)
        if signal is statements.Signal.BREAK:
            return None
        if signal is statements.Signal.RETURN:
            return signal
    return None


def match_(machine: Machine, scope: Scope, statement: Node) -> statements.Signal | None:
    """Run every case, perhaps."""
    expressions.evaluate(machine, scope, statement[2])
    for name in statement[3]:
        binding.bind(machine, scope, name, UNKNOWN)
    return perhaps(machine, scope, (*statement[4], ()))
