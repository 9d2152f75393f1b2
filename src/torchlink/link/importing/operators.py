"""torch's operators: which of them live, and what becomes of those whose library does not load."""

from __future__ import annotations

from torchlink.link.importing import (
    intrinsics,
)
from torchlink.link.importing.failures import Failure, Raised, exception
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import (
    UNKNOWN,
    Operators,
    Value,
)
from torchlink.model.source import Presence


def operator(machine: Machine, owner: Operators, name: str, line: int) -> Value:
    """``torch.ops.torchvision.nms``: an operator that only a native library can have registered."""
    if not owner.name:
        if name == "load_library":
            return intrinsics.LOAD_LIBRARY
        return Operators(name)
    if "::" in owner.name:
        return UNKNOWN
    dead = is_dead(machine, f"{owner.name}::{name}")
    if dead is not None:
        raise dead_operator(machine, f"{owner.name}::{name}", dead)
    return Operators(f"{owner.name}::{name}")


def lives(machine: Machine, operator: str) -> Value:
    """Whether an operator exists, as far as that is known."""
    return UNKNOWN if is_dead(machine, operator) is None else False


def is_dead(machine: Machine, operator: str) -> Failure | None:
    """Why an operator does not exist: the library that names it did not load, and no other of its package names it."""
    namespace, _, name = operator.partition("::")
    name = name.partition(".")[0]
    if not machine.defined_operators.isdisjoint((namespace, f"{namespace}::{name}")):
        return None
    if any(_names(machine, path, name) for path in machine.live_libraries.get(namespace, ())):
        return None
    dead = machine.dead_libraries.get(namespace, ())
    return next((failure for failure in dead if _names(machine, failure.path, name)), None)


def _names(machine: Machine, library: str, name: str) -> bool:
    return machine.sources.name_in_binary(library, name) is not Presence.ABSENT


def dead_operator(machine: Machine, operator: str, dead: Failure) -> Raised:
    """The exception for an operator whose library did not load."""
    message = f"operator {operator} does not exist"
    failure = Failure(
        cause=dead.cause,
        module=dead.module,
        path=dead.path,
        line=dead.line,
        chain=machine.chain(),
        broken=dead.broken,
        message=dead.message,
        raised=[f"RuntimeError: {message}"],
    )
    return Raised(exception(RuntimeError, message, failure))
