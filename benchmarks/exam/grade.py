"""Grades torchlink's answers by the exam's rules. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.exam.cases import Case, Outcome
from torchlink.model.finding import Finding
from torchlink.model.reference import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What torchlink said of one case."""

    case: Case
    findings: tuple[Finding, ...]
    failure: str = ""
    """Why there is no report: a time-out, an exit code of 2 or 3."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How an answer was graded."""

    answer: Answer
    alarmed: bool
    """A break was found."""
    predicted: bool
    """What the case's outcome asks for was found, whoever is blamed."""
    named: bool
    """And the pair is named where there is one."""

    @property
    def right(self) -> bool:
        if self.answer.failure:
            return False
        return not self.alarmed if self.answer.case.outcome is Outcome.OK else self.predicted and self.named


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The sums over some marks."""

    ok: int
    false_breaks: int
    errors: int
    errors_predicted: int
    errors_named: int
    degraded: int
    degraded_named: int
    failures: int


def grade(answer: Answer) -> Mark:
    """Grade one answer.

    An error asks for a break, and for all of the pair among the culprits of the breaks; in the group ``behaviour`` a
    risk predicts it too. A degraded case asks for a risk or a break that names the pair, an ok one for no break.
    """
    breaks = _of(answer.findings, Severity.BREAK)
    both = breaks + _of(answer.findings, Severity.RISK)
    case = answer.case
    asked = both if case.outcome is Outcome.DEGRADED or case.group == "behaviour" else breaks
    if case.outcome is Outcome.DEGRADED:
        named = any(set(case.pair) <= set(finding.culprits) for finding in asked)
    else:
        named = set(case.pair) <= {culprit for finding in asked for culprit in finding.culprits}
    predicted = bool(asked) and case.outcome is not Outcome.OK
    return Mark(answer=answer, alarmed=bool(breaks), predicted=predicted, named=predicted and named)


def sum_up(marks: Iterable[Mark]) -> Figures:
    """Count what was right and wrong."""
    every = tuple(marks)
    ok = _with(every, Outcome.OK)
    errors = _with(every, Outcome.ERROR)
    degraded = _with(every, Outcome.DEGRADED)
    return Figures(
        ok=len(ok),
        false_breaks=sum(mark.alarmed for mark in ok),
        errors=len(errors),
        errors_predicted=sum(mark.predicted for mark in errors),
        errors_named=sum(mark.named for mark in errors),
        degraded=len(degraded),
        degraded_named=sum(mark.named for mark in degraded),
        failures=sum(bool(mark.answer.failure) for mark in every),
    )


def _of(findings: Sequence[Finding], severity: Severity) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is severity)


def _with(marks: Sequence[Mark], outcome: Outcome) -> tuple[Mark, ...]:
    return tuple(mark for mark in marks if mark.answer.case.outcome is outcome)
