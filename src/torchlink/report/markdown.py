"""The report as Markdown, for an issue, a pull request or a chat."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchlink.model.finding import Finding
from torchlink.model.plan import Plan
from torchlink.model.reference import Severity
from torchlink.model.report import Report
from torchlink.report import advice, wording
from torchlink.report.printable import printable

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&@!])")
_TICKS = re.compile(r"`+")


def render(report: Report) -> str:
    """Breaks with all that is known of them, the others as a list."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# torchlink: {plain(wording.verdict_sentence(report))}"
    yield ""
    yield f"{code(report.target.path)}, {plain(wording.target_sentence(report))}"
    if report.target.note:
        yield ""
        yield plain(report.target.note)
    for finding in wording.of_severity(report.findings, Severity.BREAK):
        yield ""
        yield from _break(finding)
        yield from _advice(finding, report)
    yield from _list("Risks", wording.of_severity(report.findings, Severity.RISK))
    yield from _list("Notes", wording.of_severity(report.findings, Severity.NOTE))
    for plan in (plan for plan in report.plans if not advice.is_advice(plan)):
        yield ""
        yield from _plan(plan)
    yield ""
    yield f"Looked at {wording.coverage_sentence(report)}. Not decided: {report.coverage.unknown:,}."


def _break(finding: Finding) -> Iterator[str]:
    yield f"## BREAK: {plain(finding.title)}"
    yield ""
    yield f"- id: {code(finding.id)}"
    yield f"- cause: {plain(finding.cause)}"
    if lines := wording.message_lines(finding.symptom):
        yield f"- symptom: {code(' '.join(lines))}"
    for piece in finding.evidence:
        yield f"- seen in {code(piece.artifact)}: {code(piece.detail)}"
    if more := wording.more_references(finding):
        yield f"- {more}"
    for chain in finding.reached_from:
        yield f"- reached: {code(chain)}"
    yield f"- culprits: {_names(finding.culprits)}"
    if finding.affects:
        yield f"- affects: {_names(finding.affects)}"


def _plan(plan: Plan) -> Iterator[str]:
    yield f"## Plan {plan.id}: {plain(plan.summary)}"
    yield ""
    yield f"- {plain(wording.plan_sentence(plan))}"
    for line in wording.step_lines(plan.steps):
        yield f"- {code(line)}"
    for one in plan.violates:
        yield f"- against {code(one.constraint)} in {code(f'{one.file}:{one.line}')}"
    if plan.security:
        yield f"- security: {plain(plan.security)}"


def _advice(finding: Finding, report: Report) -> Iterator[str]:
    for label, entries in advice.blocks(finding, report):
        for entry in entries if label != "fix" else ():
            yield f"- {label}: {plain(entry.strip())}"


def _list(heading: str, findings: tuple[Finding, ...]) -> Iterator[str]:
    if not findings:
        return
    yield ""
    yield f"## {heading}"
    yield ""
    for finding in findings:
        yield f"- {plain(finding.title)} ({code(finding.id)})"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(code(name) for name in names)


def plain(text: str) -> str:
    """Text in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def code(text: str) -> str:
    """Text as code, between more backticks than it holds in a row."""
    shown = printable(text)
    longest = max((len(run) for run in _TICKS.findall(shown)), default=0)
    if not longest:
        return f"`{shown}`"
    fence = "`" * (longest + 1)
    return f"{fence} {shown} {fence}"
