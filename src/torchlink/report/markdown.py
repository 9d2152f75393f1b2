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
    yield f"# torchlink: {_plain(wording.verdict_sentence(report))}"
    yield ""
    yield f"{_code(report.target.path)}, {_plain(wording.target_sentence(report))}"
    if report.target.note:
        yield ""
        yield _plain(report.target.note)
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
    yield f"## BREAK: {_plain(finding.title)}"
    yield ""
    yield f"- id: {_code(finding.id)}"
    yield f"- cause: {_plain(finding.cause)}"
    if lines := wording.message_lines(finding.symptom):
        yield f"- symptom: {_code(' '.join(lines))}"
    for piece in finding.evidence:
        yield f"- seen in {_code(piece.artifact)}: {_code(piece.detail)}"
    if more := wording.more_references(finding):
        yield f"- {more}"
    for chain in finding.reached_from:
        yield f"- reached: {_code(chain)}"
    yield f"- culprits: {_names(finding.culprits)}"
    if finding.affects:
        yield f"- affects: {_names(finding.affects)}"


def _plan(plan: Plan) -> Iterator[str]:
    yield f"## Plan {plan.id}: {_plain(plan.summary)}"
    yield ""
    yield f"- {_plain(wording.plan_sentence(plan))}"
    for line in wording.step_lines(plan.steps):
        yield f"- {_code(line)}"
    for one in plan.violates:
        yield f"- against {_code(one.constraint)} in {_code(f'{one.file}:{one.line}')}"
    if plan.security:
        yield f"- security: {_plain(plan.security)}"


def _advice(finding: Finding, report: Report) -> Iterator[str]:
    for label, entries in advice.blocks(finding, report):
        for entry in entries if label != "fix" else ():
            yield f"- {label}: {_plain(entry.strip())}"


def _list(heading: str, findings: tuple[Finding, ...]) -> Iterator[str]:
    if not findings:
        return
    yield ""
    yield f"## {heading}"
    yield ""
    for finding in findings:
        yield f"- {_plain(finding.title)} ({_code(finding.id)})"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(_code(name) for name in names)


def _plain(text: str) -> str:
    """Text in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def _code(text: str) -> str:
    """Text as code, between more backticks than it holds in a row."""
    shown = printable(text)
    longest = max((len(run) for run in _TICKS.findall(shown)), default=0)
    if not longest:
        return f"`{shown}`"
    fence = "`" * (longest + 1)
    return f"{fence} {shown} {fence}"
