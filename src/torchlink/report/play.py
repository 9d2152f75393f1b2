"""A sequence of install commands for a terminal: what each step does, and what is left."""

from __future__ import annotations

from collections.abc import Sequence

from torchlink.model.report import Report
from torchlink.report import wording
from torchlink.report.document import Node, node
from torchlink.report.page import Page
from torchlink.report.pins import findings

_MOST_MOVES = 8
_MOST_COMMAND = 90


def render(report: Report, *, width: int, colour: bool) -> str:
    """Render for a terminal."""
    page = Page(width=width, colour=colour)
    page.block("played", [report.target.path])
    page.block("for", [wording.target_sentence(report)])
    page.block("told", [report.target.note])
    for artifact in report.artifacts:
        for step in node(artifact.content, artifact.path).each("steps", lambda one: one):
            _step(page, step)
    findings(page, report)
    page.blank()
    for plan in report.plans:
        page.line(
            f"Safe: {plan.summary} ({plan.certainty}): {wording.counted(len(plan.steps), 'package')} held.", "bold"
        )
        for part in plan.note.splitlines():
            page.line(part, indent=2)
    page.line(f"Verdict {wording.verdict_sentence(report)}.")
    return page.text()


def _step(page: Page, step: Node) -> None:
    moves = step.each("moves", lambda one: (one.text("name"), one.text("from"), one.text("to")))
    changed = [f"{name} {old} → {new or '(none)'}" for name, old, new in moves if old]
    added = len(moves) - len(changed)
    page.blank()
    page.line(f"{step.integer('number')}. {step.text('command')[:_MOST_COMMAND]}", "bold")
    page.block("is", [step.text("outcome")])
    page.block("adds", [wording.counted(added, "package")] if added else [])
    page.block("moves", [*changed[:_MOST_MOVES], *_rest(changed)])
    page.block("note", [step.text("note")] if step.text("note") else [])


def _rest(changed: Sequence[str]) -> list[str]:
    more = len(changed) - _MOST_MOVES
    return [f"and {more} more"] if more > 0 else []
