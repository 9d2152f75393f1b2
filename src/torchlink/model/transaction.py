"""Transactions: changes of an environment that were carried out, or begun."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from torchlink.model.plan import Plan
from torchlink.model.probe import ProbeResult


class State(Enum):
    """How far a transaction has come. What follows ``SWITCHING`` can be finished or undone at any time."""

    PREPARING = "preparing"
    """Downloading; the environment is as it was."""
    SWITCHING = "switching"
    """Files are being moved."""
    SWITCHED = "switched"
    """The new set is in place and is being tried."""
    COMMITTED = "committed"
    UNDOING = "rolling back"
    UNDONE = "rolled back"
    FAILED = "failed"
    """It ended before anything was changed."""

    @property
    def is_over(self) -> bool:
        return self in {State.COMMITTED, State.UNDONE, State.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One transaction of one environment."""

    id: int
    """Counted from 1 in each environment."""
    began: str
    """ISO 8601 with its offset."""
    state: State
    prefix: str
    project: str
    plan: Plan
    reason: str = ""
    """Why it was rolled back or failed."""
    before: tuple[ProbeResult, ...] = ()
    after: tuple[ProbeResult, ...] = ()
    kept: bool = False
    """Whether the files that it replaced are still here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file of the project before and after."""

    path: Path
    before: bytes | None
    """``None`` where there is no such file."""
    after: bytes
