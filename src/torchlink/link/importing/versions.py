"""Versions of installed distributions, as source asks for them."""

from __future__ import annotations

from torchlink.link.importing.machine import Machine
from torchlink.link.importing.texts import VersionText
from torchlink.link.importing.values import Instance, Module, Value


def version_of(machine: Machine, module: Module, value: Value) -> Value:
    """``module.__version__``; the metadata's version where the module's own cannot be computed."""
    distribution = machine.owners.of_module(module.name)
    if distribution is None or "." in module.name:
        return value
    machine.consult(distribution.name)
    if isinstance(value, Instance) and value.arguments:
        value = value.arguments[0]
    text = value if isinstance(value, str) else distribution.version
    return VersionText(text, distribution.name)


def installed_version(machine: Machine, name: str) -> Value | None:
    """``importlib.metadata.version(name)``; ``None`` where no such distribution is installed."""
    from torchlink.link.owners import normalise

    machine.consult(normalise(name))
    distribution = machine.owners.names.get(normalise(name))
    return None if distribution is None else VersionText(distribution.version, distribution.name)
