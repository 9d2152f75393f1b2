"""The answer to a program that asks at its start whether it may go on."""

from __future__ import annotations

from dataclasses import dataclass

from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Finding
from torchlink.model.report import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """Yes or no, and why."""

    policy: str
    """What is fatal: ``break``, ``risk`` or ``unknown``, each with those before it."""
    verdict: Verdict
    fatal: tuple[Finding, ...]
    unknown: int
    """What could not be decided on a reached path."""
    interrupted: tuple[str, ...]
    """Changes of environments that were cut short."""
    elapsed_s: float
    note: str = ""
    """Why nothing could be looked at."""

    @property
    def ok(self) -> bool:
        return not self.fatal and not (self.policy == "unknown" and (self.unknown or self.note))


class PreflightError(TorchlinkError):
    """The environment must not be used: something in it is fatal by the policy."""

    def __init__(self, answer: Preflight) -> None:
        self.answer = answer
        first = answer.fatal[0] if answer.fatal else None
        what = first.title if first is not None else answer.note or f"{answer.unknown} references are unknown"
        super().__init__(what, mend="see torchlink check, and torchlink fix")
