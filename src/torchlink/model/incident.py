"""An incident: what failed, why, what mended it, and how that was seen."""

from __future__ import annotations

from dataclasses import dataclass

from torchlink.model.difference import Difference
from torchlink.model.matrix import Matrix
from torchlink.model.plan import Plan
from torchlink.model.report import Report
from torchlink.model.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where a rule is from."""

    rule: str
    release: str
    file: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """All that is known of one incident."""

    report: Report
    """What was found, with every plan."""
    chosen: Plan | None = None
    """What was carried out, or is proposed."""
    change: Transaction | None = None
    """How it was carried out."""
    after: Report | None = None
    """What is found now, where it was carried out."""
    difference: Difference | None = None
    """What had changed."""
    matrices: tuple[Matrix, ...] = ()
    """Around the versions at hand."""
    references: tuple[Reference, ...] = ()
