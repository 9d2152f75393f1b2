"""What is known beside a finding's cause: fixes, what not to do, who is innocent, how to verify, other causes."""

from __future__ import annotations

from collections.abc import Iterator

from torchlink.model.finding import Alternative, Finding, Warned
from torchlink.model.plan import Plan
from torchlink.model.report import Report

MOST_PLACES = 6


def blocks(finding: Finding, report: Report) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Labels and the entries below each, in the order in which they are shown; a block may be empty.

    Args:
        finding: the finding.
        report: the report that holds it and its plans.
    """
    advice = finding.advice
    plans = (plan for plan in report.plans if plan.id in finding.plans)
    yield "fix", tuple(line for plan in plans for line in _plan(plan))
    yield "avoid", tuple(_warned(one) for one in advice.avoid)
    yield "blamed", tuple(_warned(one) for one in advice.innocent)
    yield "verify", advice.verify
    yield "tell", (advice.tell,) if advice.tell else ()
    yield "or else", tuple(_alternative(one) for one in advice.alternatives)


def is_advice(plan: Plan) -> bool:
    """Whether a plan only says what may be done, and moves no package: it is told with its finding."""
    return plan.certainty == "suggested" and all(step.op in ("edit-source", "edit-pin", "env") for step in plan.steps)


def sentence(plan: Plan) -> str:
    """A plan in one line, with the places that it edits where they are several, and what it means for security."""
    places = [f"{step.file}:{step.line}" for step in plan.steps if step.op == "edit-source" and step.line]
    more = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
    where = f": {', '.join(places[:MOST_PLACES])}{more}" if len(places) > 1 else ""
    return f"{plan.rank}. {plan.summary}{where}. {plan.security}".strip()


def _plan(plan: Plan) -> Iterator[str]:
    yield f"{plan.rank}. {plan.summary}"
    if plan.note:
        yield f"   ({plan.note})"
    if plan.security:
        yield f"   security: {plan.security}"


def _warned(warned: Warned) -> str:
    return f"{warned.what}: {warned.why}"


def _alternative(alternative: Alternative) -> str:
    parts = [alternative.title]
    if alternative.tell:
        parts.append(f"told by: {alternative.tell}")
    if alternative.fix:
        parts.append(f"fix: {alternative.fix}")
    return "; ".join(parts)
