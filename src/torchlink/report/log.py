"""The explanation of a log for a terminal: every finding in full, and the errors that are not known."""

from __future__ import annotations

from torchlink.model.finding import Finding
from torchlink.model.reference import Evidence
from torchlink.model.report import Report, Verdict
from torchlink.report import advice, wording
from torchlink.report.page import Page
from torchlink.report.terminal import STYLES

_MOST_UNKNOWN = 10


def render(report: Report, *, width: int, colour: bool) -> str:
    """Render for a terminal.

    Args:
        report: What to show; its target is a log.
        width: Columns.
        colour: Whether escape sequences for colour are wanted. Nothing is said by colour alone.
    """
    page = Page(width=width, colour=colour)
    page.block("log", [report.target.path])
    page.block("for", [sentence] if (sentence := wording.target_sentence(report)) else [])
    page.block("note", [report.target.note] if report.target.note else [])
    for finding in report.findings:
        page.blank()
        _finding(page, finding, report)
    _unknown(page, report)
    page.blank()
    style = "break" if report.verdict is Verdict.BROKEN else STYLES[report.verdict]
    page.line(f"Verdict {wording.verdict_sentence(report)}.", style)
    return page.text()


def _finding(page: Page, finding: Finding, report: Report) -> None:
    severity = finding.severity.value
    page.heading(severity.upper(), finding.title, severity)
    page.block("cause", [finding.cause])
    page.block("symptom", wording.message_lines(finding.symptom))
    page.block("seen in", [_seen(piece, finding) for piece in finding.evidence])
    page.block("reached", [wording.shortened(chain) for chain in finding.reached_from[:1]])
    page.block("culprit", [", ".join(finding.culprits)])
    for label, entries in advice.blocks(finding, report):
        page.block(label, entries)
    page.block("certain", [finding.certainty.value])
    page.block("id", [finding.id])


def _seen(piece: Evidence, finding: Finding) -> str:
    """Where a line of the log stands, whose text is the symptom; what is seen in an environment, in full."""
    return piece.artifact if piece.detail in finding.symptom else f"{piece.artifact}: {piece.detail}"


def _unknown(page: Page, report: Report) -> None:
    if not report.undecided:
        return
    page.blank()
    for one in report.undecided[:_MOST_UNKNOWN]:
        page.heading("UNKNOWN", f"{one.artifact}: {one.reason}", "quiet")
    more = len(report.undecided) - _MOST_UNKNOWN
    if more > 0:
        page.line(f"and {wording.counted(more, 'more error')}", indent=2)
