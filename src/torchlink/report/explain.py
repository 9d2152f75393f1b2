"""One finding in full."""

from __future__ import annotations

import difflib

from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Finding
from torchlink.model.reference import Party, PartyType
from torchlink.model.report import Report
from torchlink.report import advice, wording
from torchlink.report.page import Page

_STYLES = {"break": "break", "risk": "risk", "note": "note"}
_MEANING = {
    "break": "it fails on a path that the target reaches",
    "risk": "it fails on a path that is not shown to be reached, or under a condition, or a feature is silently lost",
    "note": "worth knowing, harmless",
}


def find(report: Report, identity: str) -> Finding:
    """The finding with this id.

    Raises:
        TorchlinkError: There is none; the message names the nearest ids.
    """
    known = [finding.id for finding in report.findings]
    for finding in report.findings:
        if finding.id == identity:
            return finding
    near = difflib.get_close_matches(identity, known, n=3, cutoff=0.4) or known[:3]
    mend = f"there is {', '.join(near)}" if near else "the report has no findings"
    raise TorchlinkError("no finding has this id", where=identity, mend=mend)


def render(report: Report, identity: str, *, width: int, colour: bool) -> str:
    """Render one finding with all that is known of it.

    Raises:
        TorchlinkError: There is no finding with this id.
    """
    finding = find(report, identity)
    severity = finding.severity.value
    page = Page(width=width, colour=colour)
    page.heading(severity.upper(), finding.title, _STYLES[severity])
    page.blank()
    page.block("id", [finding.id])
    page.block("means", [f"{severity}: {_MEANING[severity]}"])
    page.block("certain", [f"{finding.certainty.value}, {wording.counted(finding.count, 'broken reference')}"])
    page.block("needer", [_party(finding.needer)])
    page.block("needs", [_party(finding.provider)])
    page.block("cause", [finding.cause])
    page.block("symptom", wording.message_lines(finding.symptom))
    _evidence(page, finding)
    _chains(page, finding)
    page.block("culprit", [", ".join(finding.culprits)])
    page.block("affects", [", ".join(finding.affects)] if finding.affects else [])
    for label, entries in advice.blocks(finding, report):
        page.block(label, entries)
    _silencing(page, finding)
    return page.text()


def _party(party: Party) -> str:
    where = f" at {party.path}" if party.path else ""
    absent = "" if party.version else " (no version found here)"
    role = "" if party.name == party.type.value else f"{party.type.value} "
    return f"{role}{party.label}{absent}{where}"


def _evidence(page: Page, finding: Finding) -> None:
    for place, piece in enumerate(finding.evidence):
        page.block("" if place else "seen in", [piece.artifact])
        page.block("", [f"  {piece.detail}"])
    more = wording.more_references(finding)
    page.block("", [more] if more else [])


def _chains(page: Page, finding: Finding) -> None:
    if not finding.reached_from:
        page.block("reached", ["not shown to be reached"])
    for place, chain in enumerate(finding.reached_from):
        page.block("" if place else "reached", [chain])


def _silencing(page: Page, finding: Finding) -> None:
    page.blank()
    page.line("If this is known and accepted, in the project's pyproject.toml:")
    is_project = finding.needer.type is PartyType.PROJECT
    package = finding.provider.name if is_project else finding.needer.name
    entry = ("[[tool.torchlink.silence]]", f'code = "{finding.rule or finding.kind.value}"', f'package = "{package}"')
    for line in (*entry, 'reason = "why it is accepted"'):
        page.line(line, indent=2)
