"""The exam's figures and misses, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.exam.cases import Outcome
from benchmarks.exam.grade import Mark, sum_up
from torchlink.model.reference import Severity

_COLUMNS = "{:14} {:11} {:>4} {:>6} {:>7} {:>6} {:>6} {:>6} {:>6}"
_HEAD = _COLUMNS.format("family", "group", "ok", "false", "errors", "found", "named", "degr.", "named")


def table(marks: Sequence[Mark]) -> str:
    """A line for each family and group, and one for all."""
    keys = sorted({(mark.answer.case.family, mark.answer.case.group) for mark in marks})
    rows = [_row(family, group, _within(marks, family, group)) for family, group in keys]
    return "\n".join([_HEAD, *rows, _row("all", "", marks)])


def misses(marks: Sequence[Mark]) -> str:
    """Every case that was answered wrongly, with what was said instead."""
    return "\n".join(_miss(mark) for mark in marks if not mark.right)


def false_breaks(marks: Sequence[Mark]) -> str:
    """The findings behind the false breaks, commonest first."""
    counts = Counter(
        finding.id
        for mark in marks
        if mark.alarmed and mark.answer.case.outcome is Outcome.OK
        for finding in mark.answer.findings
        if finding.severity is Severity.BREAK
    )
    return "\n".join(f"{number:4} false {identity}" for identity, number in counts.most_common())


def as_values(marks: Sequence[Mark]) -> dict[str, object]:
    """Figures and misses as plain values."""
    keys = sorted({(mark.answer.case.family, mark.answer.case.group) for mark in marks})
    return {
        "all": asdict(sum_up(marks)),
        "families": [
            {"family": family, "group": group, **asdict(sum_up(_within(marks, family, group)))}
            for family, group in keys
        ],
        "misses": [_miss_values(mark) for mark in marks if not mark.right],
        "seconds": round(sum(mark.answer.seconds for mark in marks), 1),
    }


def _within(marks: Sequence[Mark], family: str, group: str) -> tuple[Mark, ...]:
    return tuple(mark for mark in marks if (mark.answer.case.family, mark.answer.case.group) == (family, group))


def _row(family: str, group: str, marks: Sequence[Mark]) -> str:
    sums = sum_up(marks)
    numbers = (sums.ok, sums.false_breaks, sums.errors, sums.errors_predicted, sums.errors_named)
    row = _COLUMNS.format(family, group, *numbers, sums.degraded, sums.degraded_named)
    return f"{row}  {sums.failures} without an answer" if sums.failures else row


def _miss(mark: Mark) -> str:
    case = mark.answer.case
    wanted = f"{case.outcome.value} {' + '.join(case.pair)}".strip()
    said = [
        f"    {finding.severity.value} {finding.id} (culprits {', '.join(finding.culprits)}): {finding.title}"
        for finding in mark.answer.findings
    ]
    instead = [f"    {mark.answer.failure}"] if mark.answer.failure else said or ["    nothing found"]
    head = f"{case.id} in {case.environment} [{case.family}, {case.group}] really: {wanted}"
    return "\n".join([head, f"    code: {case.code!r}", f"    message: {case.message[:160]!r}", *instead])


def _miss_values(mark: Mark) -> dict[str, object]:
    case = mark.answer.case
    return {
        "id": case.id,
        "environment": case.environment,
        "family": case.family,
        "group": case.group,
        "outcome": case.outcome.value,
        "pair": list(case.pair),
        "failure": mark.answer.failure,
        "findings": [[one.severity.value, one.id, list(one.culprits)] for one in mark.answer.findings],
    }
