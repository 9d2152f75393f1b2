"""Calls that are made again and again: registrations, and decorators of every function that a module has.

``import torch`` calls a handful of such functions three hundred times each, to the same effect. After the first twenty
calls from one module the further ones are not followed: what the first ones have changed holds more than is known from
then on, and the result is not known, unless each has given back what it was given. Of a function that changes nothing,
twenty calls from any modules are enough. A function that imports, binds names of modules or asks for them by text, or
fails, even once, is followed each time.
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
    """The calls of one function, from one module or from any."""

    followed: int = 0
    eventful: bool = False
    """Whether one of them has done what a linker must know of each."""
    gives_back: bool = True
    """Whether each has given back its first argument."""
    changed: dict[object, Value] = field(default_factory=dict)
    """What they have changed, by its identity."""

    def count(self, *, given_back: bool, eventful: bool) -> None:
        """Take note of a call that came to its end."""
        self.followed += 1
        self.gives_back = self.gives_back and given_back
        self.eventful = eventful


def follow(machine: Machine, function: Function, arguments: Sequence[Value], run: Callable[[], Value]) -> Value:
    """The value of a call from a module's body, followed or not."""
    here = _calls(machine, machine.running.owner.name, function)
    anywhere = _calls(machine, "", function)
    if here.eventful or not function.first_line:
        return run()
    for known in (here, anywhere):
        if known.followed >= MOST_FOLLOWED and not known.eventful:
            containers.leave_open((*known.changed.values(), *arguments))
            known.changed.clear()
            return arguments[0] if known.gives_back and arguments else UNKNOWN
    before = _events(machine)
    changed: dict[object, Value] = {}
    machine.changed = changed
    eventful_elsewhere = anywhere.eventful
    here.eventful = anywhere.eventful = True  # unless it comes to its end
    try:
        result = run()
    finally:
        machine.changed = None
    given_back = bool(arguments) and result is arguments[0]
    eventful = _events(machine) != before or not (given_back or _tells_nothing(result))
    here.count(given_back=given_back, eventful=eventful)
    anywhere.count(given_back=given_back, eventful=eventful_elsewhere or eventful or bool(changed))
    if eventful:
        here.changed.clear()
    else:
        here.changed.update(changed)
    return result


def _calls(machine: Machine, owner: str, function: Function) -> Repeats:
    """The calls of a function from one module; from any, where ``owner`` is empty."""
    place = (owner, function.module.path, function.first_line)
    known = machine.repeats.get(place)
    if known is None:
        known = machine.repeats[place] = Repeats()
    return known


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
