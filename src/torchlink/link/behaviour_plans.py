"""The fixes of behaviour rules as plans: suggestions, each with what it means for security."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from packaging.requirements import Requirement

from torchlink.model.finding import Finding
from torchlink.model.names import normalise
from torchlink.model.plan import Plan, Step
from torchlink.model.reference import Severity
from torchlink.model.report import Report
from torchlink.model.rules import Fix, FixKind, Rule


def with_fixes(findings: Iterable[Finding], rules: Sequence[Rule]) -> tuple[tuple[Finding, ...], tuple[Plan, ...]]:
    """Give findings of behaviour rules their rules' fixes. What is only worth knowing gets none.

    Returns:
        The findings, with the ids of their plans, and the plans, rule by rule.
    """
    every = list(findings)
    by_code = {rule.code: rule for rule in rules}
    wanted: dict[str, list[Finding]] = {}
    for finding in every:
        if finding.rule in by_code and finding.severity is not Severity.NOTE:
            wanted.setdefault(finding.rule, []).append(finding)
    plans = {code: _plans(by_code[code], same) for code, same in wanted.items()}
    ids = {code: tuple(plan.id for plan in made) for code, made in plans.items()}
    told = tuple(
        replace(finding, plans=(*finding.plans, *ids[finding.rule]))
        if finding in wanted.get(finding.rule, ())
        else finding
        for finding in every
    )
    return told, tuple(plan for made in plans.values() for plan in made)


def with_security(report: Report, rules: Sequence[Rule]) -> Report:
    """Say of plans what their moves mean for security, in the words of the rules whose advice they follow.

    A failure has several rules where several packages lead to it: those with the same symptom count.
    """
    symptoms = {rule.code: rule.symptom for rule in rules}
    failures = {one.id: symptoms[one.rule] for one in report.findings if symptoms.get(one.rule)}

    def secured(plan: Plan) -> Plan:
        mended = {failures[one] for one in plan.resolves if one in failures}
        fixes = (fix for rule in rules if rule.symptom in mended for fix in rule.fixes)
        said = dict.fromkeys(fix.security for fix in fixes if fix.security and _follows(plan, fix))
        return replace(plan, security=plan.security or " ".join(said))

    return replace(report, plans=tuple(map(secured, report.plans)))


def _follows(plan: Plan, fix: Fix) -> bool:
    """Whether a plan moves a package into the range that a fix names."""
    if fix.kind is not FixKind.PIN:
        return False
    wanted = Requirement(fix.requirement)
    return any(
        step.op == "set"
        and step.package == normalise(wanted.name)
        and wanted.specifier.contains(step.new, prereleases=True)
        and not wanted.specifier.contains(step.old, prereleases=True)
        for step in plan.steps
    )


def _plans(rule: Rule, findings: Sequence[Finding]) -> tuple[Plan, ...]:
    return tuple(
        Plan(
            id=f"{rule.code}:{rank}",
            rank=rank,
            summary=fix.text,
            resolves=tuple(finding.id for finding in findings),
            certainty="suggested",
            unknown=0,
            steps=(_step(fix, findings[0]),),
            security=fix.security,
        )
        for rank, fix in enumerate(rule.fixes, start=1)
    )


def _step(fix: Fix, finding: Finding) -> Step:
    match fix.kind:
        case FixKind.PIN:
            return Step(op="edit-pin", new=fix.requirement)
        case FixKind.ENVIRONMENT:
            return Step(op="env", new=fix.variable)
        case _:
            file, _, line = finding.evidence[0].artifact.rpartition(":")
            return Step(op="edit-source", file=file, line=int(line)) if line.isdigit() else Step(op="edit-source")
