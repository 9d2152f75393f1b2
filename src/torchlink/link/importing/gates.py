"""Exceptions and warnings that source raises by its own tests, and the versions that the tests looked at."""

from __future__ import annotations

from torchlink.link.importing.failures import Cause, Failure, Raised, exception
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import Class, Event, ExceptionValue, Instance, Value, exception_names
from torchlink.link.owners import package
from torchlink.model.reference import Broken, Evidence, Kind, Party, PartyType, Severity


def raised(machine: Machine, value: Value, line: int) -> Raised:
    """The exception of a ``raise`` statement."""
    if isinstance(value, type) and issubclass(value, BaseException):
        value = exception(value, "")
    elif isinstance(value, Class):
        value = ExceptionValue(value, "")
    elif isinstance(value, Instance):
        text = value.arguments[0] if value.arguments else ""
        value = ExceptionValue(value.cls, text if isinstance(text, str) else "", value.arguments)
    elif not isinstance(value, ExceptionValue):
        value = exception(Exception, "")
    if value.failure is None:
        value.failure = _failure(machine, value, line)
    return Raised(value)


def _failure(machine: Machine, value: ExceptionValue, line: int) -> Failure:
    running = machine.running
    names = exception_names(value.cls)
    text = f"{names[0] if names else 'Exception'}: {value.message}"
    dead = _dead_library(machine)
    broken: tuple[Broken, ...] = ()
    cause = Cause.OTHER
    if dead is not None:
        broken, cause = dead.broken, dead.cause
    else:
        provider = consulted_party(machine, value.message)
        if provider is not None:
            cause = Cause.GATE if provider.version else Cause.MISSING_MODULE
            broken = (_gate(machine, provider, text, line),)
    return Failure(
        cause=cause,
        module=running.module.name,
        path=running.module.path,
        line=line,
        chain=machine.chain(line),
        broken=broken,
        message=text,
        explicit=True,
        raised=[text] if dead is not None else [],
    )


def _dead_library(machine: Machine) -> Failure | None:
    """The native library of the running package that did not load, if there is one: what the package then misses."""
    dead = machine.dead_libraries.get(machine.running.module.name.partition(".")[0])
    return dead[-1] if dead else None


def consulted_party(machine: Machine, message: str) -> Party | None:
    """The distribution whose version or absence decided; of several, the one that the message names."""
    own = machine.owners.of_module(machine.running.module.name)
    names = [name for name in machine.running.consulted if own is None or name != own.name]
    folded = message.lower().replace("_", "-")
    if not names:
        # What an earlier statement took apart (``major, minor = ...``) has lost its owner; the message may name it.
        names = [
            name for name in machine.running.consulted_before if name in folded and (own is None or name != own.name)
        ]
    if not names:
        return None
    chosen = next((name for name in reversed(names) if name in folded), names[-1])
    distribution = machine.owners.names.get(chosen)
    if distribution is not None:
        return package(distribution)
    return Party(type=PartyType.PACKAGE, name=chosen)


def _gate(machine: Machine, provider: Party, symptom: str, line: int) -> Broken:
    running = machine.running
    needer = machine.owners.party(running.module.path, running.module.name)
    missing = not provider.version
    place = machine.owners.place(running.module.path, line)
    return Broken(
        kind=Kind.IMPORT if missing else Kind.GATE,
        severity=Severity.RISK,
        needer=needer,
        provider=provider,
        target=provider.name,
        cause=_why(needer, provider),
        symptom=symptom[:600],
        evidence=(Evidence(artifact=place, detail="raises here"),),
    )


def warned(machine: Machine, message: str, line: int) -> None:
    """A warning at import. It counts where it quotes a version that the running statement has looked at."""
    if not machine.certain or not machine.stack:
        return
    running = machine.running
    own = machine.owners.of_module(running.module.name)
    for name in running.consulted:
        distribution = machine.owners.names.get(name)
        if distribution is None or distribution is own or distribution.public_version not in message:
            continue
        provider = package(distribution)
        needer = machine.owners.party(running.module.path, running.module.name)
        place = machine.place(running.module, line)
        broken = Broken(
            kind=Kind.GATE,
            severity=Severity.RISK,
            needer=needer,
            provider=provider,
            target=provider.name,
            cause=f"{needer.label} tests the version of {provider.name} itself and goes on with less",
            symptom=" ".join(message.split())[:600],
            evidence=(Evidence(artifact=place, detail="warns here"),),
        )
        machine.record(Event(running.line, place, warning=broken))
        return


def _why(needer: Party, provider: Party) -> str:
    if not provider.version:
        return f"{needer.name} asks for {provider.name}, which is not installed"
    found = f"{provider.version}{provider.build}"
    return f"{needer.label} tests the version of {provider.name} itself and refuses {found}"
