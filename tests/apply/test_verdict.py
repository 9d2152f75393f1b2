"""When a change is kept."""

from __future__ import annotations

from typing import Any

import pytest

from torchlink.apply.verdict import why_not
from torchlink.model.plan import Plan
from torchlink.model.probe import ProbeResult, ProbeStatus
from torchlink.model.report import Coverage, Report, Target, Verdict

PLAN = Plan(id="p1", rank=1, summary="", resolves=(), certainty="proven", unknown=0, steps=())
REPORT = Report(
    torchlink="0",
    verdict=Verdict.SOUND,
    elapsed_s=0,
    target=Target(kind="environment", path=""),
    findings=(),
    coverage=Coverage(),
)


def result(status: ProbeStatus, **more: Any) -> ProbeResult:
    return ProbeResult(name="probe", status=status, elapsed_s=0, **more)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (result(ProbeStatus.PASSED), result(ProbeStatus.PASSED), ""),
        (result(ProbeStatus.FAILED), result(ProbeStatus.PASSED), ""),
        (result(ProbeStatus.FAILED), result(ProbeStatus.CRASHED), ""),
        (result(ProbeStatus.PASSED), result(ProbeStatus.CRASHED, detail="SIGSEGV"), "probe crashed (SIGSEGV)"),
        (result(ProbeStatus.SKIPPED), result(ProbeStatus.TIMED_OUT), "probe timed out"),
        (None, result(ProbeStatus.FAILED), "probe failed"),
        (
            result(ProbeStatus.FAILED, tests_passed=32, tests_failed=12),
            result(ProbeStatus.FAILED, tests_passed=40, tests_failed=4),
            "",
        ),
        (
            result(ProbeStatus.FAILED, tests_passed=32, tests_failed=12),
            result(ProbeStatus.FAILED, tests_passed=31, tests_failed=13),
            "passes 31 and fails 13 tests",
        ),
    ],
)
def test_probes(before: ProbeResult | None, after: ProbeResult, reason: str) -> None:
    said = why_not(PLAN, (), REPORT, [before] if before else [], [after])
    assert reason in said and bool(reason) == bool(said)
