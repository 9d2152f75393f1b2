"""Conditions and loops: the branch that is taken, or all of them, perhaps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress, islice
from operator import is_not

from torchlink.link.importing import (
    binding,
    expressions,
    operations,
    statements,
)
from torchlink.link.importing.failures import Raised
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import (
    UNKNOWN,
    ForeignObject,
    Scope,
    Value,
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
        except Raised:
            failed = True
        finally:
            machine.perhaps -= 1
        if failed:
            _restore(scope, before)
            continue
        signals.append(ended)
        if ended is not None:
            if ended is statements.Signal.RETURN:
                scope.perhaps_returned = True
            if ended.value not in scope.perhaps_left:
                scope.perhaps_left |= {ended.value}
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
    items = operations.items_of(value)
    if items is None or len(items) > MAX_ITERATIONS or machine.exhausted or UNKNOWN in items:
        item: Value = (
            ForeignObject("name", value.data) if isinstance(value, ForeignObject) and value.kind == "names" else UNKNOWN
        )
        return _loop_perhaps(machine, scope, target, body, item)
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
    left = outer | (scope.perhaps_left & {statements.Signal.RETURN.value})
    scope.perhaps_left = outer if left == outer else left


def _loop_perhaps(
    machine: Machine, scope: Scope, target: Node | None, body: Block, item: Value = UNKNOWN
) -> statements.Signal | None:
    if target is not None:
        binding.assign(machine, scope, target, item)
    outer = scope.perhaps_left
    perhaps(machine, scope, (body, ()))
    _leave_loop(scope, outer)
    return None


def while_(machine: Machine, scope: Scope, statement: Node) -> statements.Signal | None:
    """Run the body as long as the condition is known to hold."""
    _, _, test, body, otherwise = statement
    outer = scope.perhaps_left
    for _ in range(MAX_ITERATIONS):
        value = expressions.truth(machine, scope, test)
        if value is UNKNOWN or machine.exhausted or scope.perhaps_left is not outer:
            signal = _loop_perhaps(machine, scope, None, body)
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
