"""Calls that a module makes again and again: registrations, and decorators of every function that it has.

``import torch`` calls a handful of such functions three hundred times each, to the same effect. After the first twenty
calls the further ones are not followed: what the first ones have changed holds more than is known from then on, and
the result is not known, unless each has given back what it was given. A function that imports, binds names of modules
or asks for them by text, or fails, even once, is followed each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torchlink.link.importing import containers
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import UNKNOWN, Function, Value

MOST_FOLLOWED = 20


@dataclass(slots=True)
class Repeats:
    """The calls of one function from one module."""

    followed: int = 0
    eventful: bool = False
    """Whether one of them has done what a linker must know of each."""
    gives_back: bool = True
    """Whether each has given back its first argument."""
    changed: dict[int, Value] = field(default_factory=dict)
    """What they have changed, by its identity."""


def follow(machine: Machine, function: Function, arguments: Sequence[Value], run: Callable[[], Value]) -> Value:
    """The value of a call from a module's body, followed or not."""
    place = (machine.running.owner.name, function.module.path, function.first_line)
    repeats = machine.repeats.get(place)
    if repeats is None:
        repeats = machine.repeats[place] = Repeats()
    if repeats.eventful or not function.first_line:
        return run()
    if repeats.followed == MOST_FOLLOWED:
        containers.leave_open((*repeats.changed.values(), *arguments))
        repeats.changed.clear()
        return arguments[0] if repeats.gives_back and arguments else UNKNOWN
    before = _events(machine)
    machine.changed = repeats.changed
    repeats.eventful = True  # unless it comes to its end
    try:
        result = run()
    finally:
        machine.changed = None
    given_back = bool(arguments) and result is arguments[0]
    repeats.eventful = _events(machine) != before or not (given_back or _tells_nothing(result))
    repeats.gives_back = repeats.gives_back and given_back
    repeats.followed += 1
    if repeats.eventful:
        repeats.changed.clear()
    return result


def _events(machine: Machine) -> tuple[int, ...]:
    running = machine.running
    sizes = map(
        len,
        (
            machine.modules,
            running.owner.events,
            running.consulted,
            machine.consulted_variables,
            machine.defined_operators,
            machine.hooked,
        ),
    )
    return (machine.by_text, *sizes)


def _tells_nothing(result: Value) -> bool:
    return result is UNKNOWN or result is None or isinstance(result, Function)
