"""Plans: changes that mend findings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change. ``op`` is one of the report schema's operations."""

    op: str
    package: str = ""
    old: str = ""
    new: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A constraint of the user's own that a plan would break."""

    constraint: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A set of changes, and how sure it is that they help."""

    id: str
    rank: int
    summary: str
    resolves: tuple[str, ...]
    certainty: str
    """``proven``, ``inferred`` or ``suggested``."""
    unknown: int
    steps: tuple[Step, ...]
    violates: tuple[Violation, ...] = ()
    security: str = ""
    download_bytes: int = 0
    note: str = ""
