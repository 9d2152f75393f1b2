"""The way around a break instead of its cure: the project's own calls that meet it, each a place to edit by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torchlink.model.finding import Finding
from torchlink.model.plan import Plan, Step
from torchlink.model.reference import Evidence, Severity
from torchlink.model.report import Report


def with_detours(report: Report, calls: Sequence[Evidence]) -> Report:
    """Put the ways around its breaks behind a report's plans.

    Args:
        report: with its plans.
        calls: every call of the project that meets a break; those that its evidence shows tell which.
    """
    met = (one for one in report.findings if one.severity is Severity.BREAK and not set(calls).isdisjoint(one.evidence))
    found = {one.id: _around(one, calls, len(report.plans) + number) for number, one in enumerate(met, 1)}
    findings = tuple(
        replace(one, plans=(*one.plans, found[one.id].id)) if one.id in found else one for one in report.findings
    )
    return replace(report, findings=findings, plans=(*report.plans, *found.values()))


def _around(finding: Finding, calls: Sequence[Evidence], rank: int) -> Plan:
    what = f"{finding.provider.name} in {finding.needer.name}"
    count = "the project's one call" if len(calls) == 1 else f"the project's {len(calls)} calls"
    return Plan(
        id=f"avoid:{finding.id}",
        rank=rank,
        summary=f"avoid {count} that {'needs' if len(calls) == 1 else 'need'} {what}",
        resolves=(finding.id,),
        certainty="suggested",
        unknown=0,
        steps=tuple(_step(one) for one in calls),
        note="moves no package",
    )


def _step(call: Evidence) -> Step:
    file, _, line = call.artifact.rpartition(":")
    return Step(op="edit-source", file=file, line=int(line), new=call.detail)
