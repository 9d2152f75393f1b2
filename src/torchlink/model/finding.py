"""Findings: broken references, grouped by their root cause."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from torchlink.model.reference import Evidence, Kind, Party, Severity


class Certainty(Enum):
    """How sure a claim is."""

    LINKED = "linked"
    PROVEN = "proven"
    INFERRED = "inferred"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something that looks like help and is none: wrong advice that circulates, or blame of an innocent package."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another cause that the same message may have."""

    title: str
    culprits: tuple[str, ...]
    tell: str
    """What tells it apart from the finding's own cause."""
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is known beside the cause; each part may be empty. The explanation of a log fills it."""

    innocent: tuple[Warned, ...] = ()
    """Parties that the message blames, and why they may be innocent."""
    avoid: tuple[Warned, ...] = ()
    """What not to do."""
    verify: tuple[str, ...] = ()
    """Commands that show whether it is mended."""
    tell: str = ""
    """What tells this cause apart from the alternatives."""
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One root cause, with everything that follows from it."""

    id: str
    """``kind:needer:provider``, and ``:rule`` for a behaviour; stable between runs; ``--explain`` takes it."""
    kind: Kind
    severity: Severity
    certainty: Certainty
    needer: Party
    provider: Party
    culprits: tuple[str, ...]
    """At most three, most likely first; the innocent are left out."""
    affects: tuple[str, ...]
    title: str
    cause: str
    symptom: str
    evidence: tuple[Evidence, ...]
    """The three best pieces."""
    reached_from: tuple[str, ...]
    count: int
    """How many broken references have this cause."""
    plans: tuple[str, ...] = ()
    rule: str = ""
    """The code of the behaviour rule behind it."""
    advice: Advice = Advice()
