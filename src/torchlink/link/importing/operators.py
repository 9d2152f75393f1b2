"""torch's operators: which of them live, and what becomes of those whose library does not load."""

from __future__ import annotations

import posixpath
import re

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

_CUDA_TAG = re.compile(r"(?:pt\d+)?cu(\d+)(\d)")
_VERSION_LINE = re.compile(r"^__version__\s*(?::[^=\n]*)?=\s*['\"][^'\"+\n]*\+([\w.]+)['\"]", re.MULTILINE)
CUDA_VERSION = frozenset({"cuda_version", "_cuda_version"})
"""What the libraries of torchvision, torchaudio and PyTorch Geometric call the CUDA that they were compiled with."""


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


def called(machine: Machine, operator: Operators) -> Value:
    """What an operator returns."""
    return cuda_version(machine) if operator.name.partition("::")[2] in CUDA_VERSION else UNKNOWN


def cuda_version(machine: Machine) -> Value:
    """``CUDA_VERSION`` of the running package's libraries (13000 for 13.0), by the tag that its build wrote down.

    The number itself lies in machine code. The tag is that of the distribution's version (``2.1.2+pt25cu124``) or of
    its ``version.py``: torchaudio 2.11.0 on PyPI is ``2.11.0+cu130`` there.
    """
    module = machine.running.module
    owner = machine.owners.of_path(module.path)
    if owner is None:
        return UNKNOWN
    top = module.name.partition(".")[0]
    line = _VERSION_LINE.search(machine.sources.text(posixpath.join(owner.root, top, "version.py")))
    found = _CUDA_TAG.fullmatch(line[1] if line else "") or _CUDA_TAG.fullmatch(owner.build.removeprefix("+"))
    if found is None:
        return UNKNOWN
    machine.consult("torch")
    return int(found[1]) * 1000 + int(found[2]) * 10


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
