"""Whether a change is kept: by the report on what it made, and by the probes before and after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torchlink.model.plan import Plan
from torchlink.model.probe import ProbeResult, ProbeStatus
from torchlink.model.reference import Severity
from torchlink.model.report import Report

_WELL = frozenset({ProbeStatus.PASSED, ProbeStatus.SKIPPED})


def why_not(
    plan: Plan, known: Iterable[str], report: Report, before: Sequence[ProbeResult], after: Sequence[ProbeResult]
) -> str:
    """Why a change must be rolled back; empty where it is kept.

    Args:
        plan: what was carried out.
        known: the ids of the breaks that were there before.
        report: on the environment as it is now.
        before: the probes before the change.
        after: the probes after it.
    """
    found = {one.id: one for one in report.findings}
    if still := [identity for identity in plan.resolves if identity in found]:
        return f"it was to mend this, and did not: {found[still[0]].title}"
    new = [one for one in report.findings if one.severity is Severity.BREAK and one.id not in set(known)]
    if new:
        return f"it breaks something else: {new[0].title}"
    old = {one.name: one for one in before}
    for result in after:
        if reason := _worse(old.get(result.name), result):
            return reason
    return ""


def _worse(before: ProbeResult | None, after: ProbeResult) -> str:
    """Why a probe speaks against the change. One that fails as it did before says nothing of it."""
    said = f" ({after.detail})" if after.detail else ""
    if after.is_suite and before is not None and before.is_suite:
        if after.tests_passed >= before.tests_passed and after.tests_failed <= before.tests_failed:
            return ""
        return (
            f"the probe {after.name} passes {after.tests_passed} and fails {after.tests_failed} tests, where it passed "
            f"{before.tests_passed} and failed {before.tests_failed}"
        )
    if after.status in _WELL or (before is not None and before.status not in _WELL):
        return ""
    return f"the probe {after.name} {after.status.value}{said}"
