"""The report for a terminal: breaks in full, a line for each risk, notes counted."""

from __future__ import annotations

from torchlink.model.finding import Finding
from torchlink.model.plan import Plan
from torchlink.model.reference import Severity
from torchlink.model.report import Report, Verdict
from torchlink.report import advice, wording
from torchlink.report.page import Page

_MOST_REASONS = 3
STYLES = {Verdict.SOUND: "sound", Verdict.RISKY: "risk", Verdict.UNDECIDED: "risk", Verdict.BROKEN: "break"}


def render(report: Report, *, width: int, colour: bool) -> str:
    """Render for a terminal.

    Args:
        report: What to show.
        width: Columns.
        colour: Whether escape sequences for colour are wanted. Nothing is said by colour alone.
    """
    page = Page(width=width, colour=colour)
    _target(page, report)
    for finding in wording.of_severity(report.findings, Severity.BREAK):
        page.blank()
        _break(page, finding, report)
    _risks(page, report)
    for plan in (plan for plan in report.plans if not advice.is_advice(plan)):
        page.blank()
        _plan(page, plan)
    _footer(page, report)
    return page.text()


def _target(page: Page, report: Report) -> None:
    target = report.target
    page.block("checked", [target.path])
    if target.project:
        page.block("project", [target.project])
    page.block("for", [wording.target_sentence(report)])
    if target.note:
        page.block("note", [target.note])


def _break(page: Page, finding: Finding, report: Report) -> None:
    page.heading("BREAK", finding.title, "break")
    describe(page, finding)
    _advice(page, finding, report)
    page.block("id", [finding.id])


def _advice(page: Page, finding: Finding, report: Report) -> None:
    known = {plan.id: plan for plan in report.plans if advice.is_advice(plan)}
    page.block("fix", [advice.sentence(known[name]) for name in finding.plans if name in known])


def describe(page: Page, finding: Finding) -> None:
    """What every view of a finding says below its title."""
    page.block("cause", [finding.cause] if finding.cause else [])
    page.block("symptom", wording.message_lines(finding.symptom))
    page.block("seen in", wording.seen(finding))
    page.block("reached", [wording.shortened(chain) for chain in finding.reached_from[:1]])
    page.block("culprit", [", ".join(finding.culprits)] if finding.culprits else [])
    page.block("affects", [", ".join(finding.affects)] if finding.affects else [])


def _risks(page: Page, report: Report) -> None:
    risks = wording.of_severity(report.findings, Severity.RISK)
    advised = {plan.id for plan in report.plans if advice.is_advice(plan)}
    if risks:
        page.blank()
    for finding in risks:
        page.fold("RISK", finding.title, finding.id, "risk")
        if finding.plans and not set(finding.plans) <= advised:  # somebody looks for what mends it
            _advice(page, finding, report)


def _plan(page: Page, plan: Plan) -> None:
    page.heading("PLAN", plan.summary, "sound")
    page.block("is", [wording.plan_sentence(plan)])
    page.block("steps", wording.step_lines(plan.steps))
    page.block("against", [f"{one.constraint} ({one.file}:{one.line})" for one in plan.violates])
    page.block("security", [plan.security] if plan.security else [])
    page.block("id", [plan.id])


def _footer(page: Page, report: Report) -> None:
    page.blank()
    page.line(f"Verdict {wording.verdict_sentence(report)}.", STYLES[report.verdict])
    page.line(f"Looked at {wording.coverage_sentence(report)}.")
    _unknown(page, report)
    if report.silenced:
        page.line(f"{wording.counted(report.silenced, 'finding')} silenced by the project's configuration.")
    if report.findings:
        page.line(f"One finding in full: torchlink check --explain {report.findings[0].id}")


def _unknown(page: Page, report: Report) -> None:
    unknown = report.coverage.unknown
    if not unknown:
        page.line("Nothing was left undecided.")
        return
    reached = sum(one.reached for one in report.undecided)
    page.line(f"{wording.counted(unknown, 'reference')} could not be decided, {_where(unknown, reached)}:")
    for number, reason in wording.reasons(report.undecided, _MOST_REASONS):
        page.line(f"{number:,} × {reason}", indent=2)


def _where(unknown: int, reached: int) -> str:
    if not reached:
        return "not on a reached path" if unknown == 1 else "none of them on a reached path"
    if reached >= unknown:
        return "on a reached path" if unknown == 1 else "all of them on a reached path"
    return f"{reached:,} of them on a reached path"
