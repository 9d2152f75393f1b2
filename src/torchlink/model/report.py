"""The report: the one value that every surface renders."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from torchlink.model.finding import Finding
from torchlink.model.plan import Plan
from torchlink.model.reference import Undecided


class Verdict(Enum):
    """The report in one word."""

    SOUND = "sound"
    RISKY = "risky"
    BROKEN = "broken"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What was asked about."""

    kind: str
    """``environment``, ``requirements``, ``project``, ``checkpoint`` or ``log``."""
    path: str
    """The environment's prefix, or the file."""
    project: str = ""
    python: str = ""
    platform: str = ""
    note: str = ""
    """What the reader of this report must know of how the target was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much was looked at, and how much stayed undecided."""

    distributions: int = 0
    modules: int = 0
    """Python modules that the target reaches."""
    native_libraries: int = 0
    references: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A checkpoint file's verdict."""

    path: str
    verdict: str
    content: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What torchlink found."""

    torchlink: str
    verdict: Verdict
    elapsed_s: float
    target: Target
    findings: tuple[Finding, ...]
    """Worst first."""
    coverage: Coverage
    plans: tuple[Plan, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    """What could not be decided; those on a reached path first."""
    silenced: int = 0
    """Findings that the project's own configuration silences."""
