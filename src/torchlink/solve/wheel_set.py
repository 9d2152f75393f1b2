"""A set of releases that is not installed, with the wheels that were read of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torchlink.catalog.wheels import Pin, Wheels
from torchlink.model.environment import Interpreter
from torchlink.model.reference import Kind, Undecided
from torchlink.model.report import Report
from torchlink.model.store import ByteStore
from torchlink.read.environment import Survey
from torchlink.read.subject import Subject, of_wheels
from torchlink.read.wheel_environment import Placed, on_installed, on_nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelSet:
    """Releases with their wheels, and where they stand."""

    placed: tuple[Placed, ...]
    interpreter: Interpreter
    beneath: Survey | None = None
    """The installed environment that they change."""
    removed: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    """What the question names that could not be understood."""
    asked: frozenset[str] = frozenset()
    """The packages that are asked for by name, and so imported; empty where all are."""

    @property
    def versions(self) -> dict[str, str]:
        return {one.name: one.version for one in self.placed}

    @property
    def digest(self) -> str:
        """Everything that an answer about this set depends on; empty where some wheel has no hash."""
        parts = [f"{one.name}={one.version}:{one.wheel.sha256 if one.wheel else one.reason}" for one in self.placed]
        if any(one.wheel is not None and not one.wheel.sha256 for one in self.placed):
            return ""
        below = self.beneath.digest() if self.beneath is not None else ""
        python = (
            self.interpreter.executable,
            self.interpreter.version,
            self.interpreter.platform,
            self.interpreter.libc,
        )
        return "\0".join((*sorted(parts), *self.removed, *self.unclear, *sorted(self.asked), *python, below))

    def subject(self, store: ByteStore) -> Subject:
        """What is linked."""
        made = (
            on_nothing(self.placed, self.interpreter)
            if self.beneath is None
            else on_installed(self.beneath, self.placed, self.removed)
        )
        inferred = {one.name: one.inferred_from for one in self.placed if one.inferred_from}
        return of_wheels(made, inferred, store)

    def undecided(self) -> tuple[Undecided, ...]:
        """What of the set could not be read, or is known from a sibling build alone."""
        found = [
            Undecided(kind=Kind.REQUIRES, artifact=line, reason="is not understood", reached=True)
            for line in self.unclear
        ]
        for one in self.placed:
            label = f"{one.name} {one.version}"
            if one.wheel is None:
                found.append(Undecided(kind=Kind.REQUIRES, artifact=label, reason=one.reason, reached=True))
            elif one.inferred_from:
                reason = f"no index has this build; inferred from the wheel of {one.inferred_from}"
                found.append(Undecided(kind=Kind.LIBRARY, artifact=label, reason=reason, reached=False))
            elif one.yanked:
                found.append(
                    Undecided(kind=Kind.REQUIRES, artifact=label, reason=f"was yanked: {one.yanked}", reached=False)
                )
        return tuple(found)


Judge = Callable[[WheelSet], Report]
"""Links a set."""


def wheel_set(pins: Sequence[Pin], wheels: Wheels, interpreter: Interpreter, unclear: tuple[str, ...] = ()) -> WheelSet:
    """Read the wheels of a set that stands alone.

    Raises:
        UnreachableError: no index answers, and what is remembered does not do.
    """
    return WheelSet(placed=tuple(wheels.place(pins)), interpreter=interpreter, unclear=unclear)
