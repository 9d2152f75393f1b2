"""From a set that links to a plan: what moves, what it costs, and which of the user's own words it breaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.version import InvalidVersion, Version

from torchlink.model.finding import Finding
from torchlink.model.plan import Plan, Step, Violation
from torchlink.model.reference import Severity
from torchlink.model.report import Report
from torchlink.solve.declared import Declared
from torchlink.solve.moves import moved, moves_in_words
from torchlink.solve.wheel_set import WheelSet

MOST_NAMED = 4
WEIGHTS_ONLY = Version("2.6")
"""The first torch whose ``torch.load`` refuses arbitrary pickles by default (its release notes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixes:
    """Plans, best first, and why an alternative has none."""

    plans: tuple[Plan, ...]
    without: tuple[str, ...]


def make_plan(
    present: Mapping[str, str],
    answer: WheelSet,
    before: Report,
    after: Report,
    declared: Sequence[Declared],
    goals: Sequence[Finding],
    note: str,
) -> Plan:
    """Describe the change from the present versions to an answer that links.

    Args:
        present: what there is now, by name.
        answer: the set that was linked.
        before: the report on what there is now.
        after: the report on the answer.
        declared: the user's own requirements.
        goals: the findings that are gone.
        note: what this alternative keeps.
    """
    versions = answer.versions
    changes = moved(present, versions)
    at_fault = {party.name for one in goals for party in (one.needer, one.provider)}
    gone = [] if answer.beneath is not None else sorted(present.keys() - versions.keys())
    violates = tuple(_violations(declared, versions))
    steps = [*_sets(present, changes), *(Step(op="remove", package=name, old=present[name]) for name in gone)]
    steps += [
        Step(op="edit-pin", package=one.name, new=versions.get(one.name, ""), file=one.file, line=one.line)
        for one in declared
        if one.file and _is_violated(one, versions)
    ]
    unknown = new_unknown(before, after)
    risks = _new_risks(before, after)
    inferred = any(one.inferred_from for one in answer.placed if one.name in changes)
    return Plan(
        id="",
        rank=0,
        summary=moves_in_words(present, changes, gone, at_fault, MOST_NAMED),
        resolves=tuple(one.id for one in goals),
        certainty="suggested" if unknown or risks else "inferred" if inferred else "proven",
        unknown=unknown,
        steps=tuple(steps),
        violates=violates,
        security=_security(present.get("torch", ""), changes.get("torch", "")),
        download_bytes=sum(one.size for one in answer.placed if one.name in changes),
        note="; ".join((note, *(f"new risk: {title}" for title in risks))),
    )


def ranked(plans: Iterable[Plan]) -> tuple[Plan, ...]:
    """Plans in order: proven ones first, then no violation, few packages that move, up before down, few bytes."""
    ordered = sorted(plans, key=_cost)
    return tuple(replace(one, id=f"p{rank}", rank=rank) for rank, one in enumerate(ordered, 1))


def _cost(plan: Plan) -> tuple[bool, bool, int, int, int]:
    moves = [step for step in plan.steps if step.op in {"set", "add", "remove"}]
    down = sum(step.op == "set" and _is_lower(step.new, step.old) for step in moves)
    return plan.certainty == "suggested", bool(plan.violates), len(moves), down, plan.download_bytes


def _sets(present: Mapping[str, str], changes: Mapping[str, str]) -> list[Step]:
    return [
        Step(op="set" if name in present else "add", package=name, old=present.get(name, ""), new=new)
        for name, new in sorted(changes.items())
    ]


def _violations(declared: Iterable[Declared], versions: Mapping[str, str]) -> Iterable[Violation]:
    for one in declared:
        if _is_violated(one, versions):
            yield Violation(constraint=one.written or str(one.requirement), file=one.file, line=one.line)


def _is_violated(one: Declared, versions: Mapping[str, str]) -> bool:
    version = versions.get(one.name)
    return version is not None and not one.requirement.specifier.contains(version, prereleases=True)


def _new_risks(before: Report, after: Report) -> list[str]:
    """The titles of risks that the change brings."""
    known = {one.id for one in before.findings}
    return [one.title for one in after.findings if one.severity is Severity.RISK and one.id not in known]


def new_unknown(before: Report, after: Report) -> int:
    """How much more of what is reached could not be decided."""
    known = {(one.kind, one.artifact) for one in before.undecided if one.reached}
    return sum(one.reached and (one.kind, one.artifact) not in known for one in after.undecided)


def _security(old: str, new: str) -> str:
    if old and new and Version(new) < WEIGHTS_ONLY <= Version(old):
        return "torch below 2.6 gives up weights_only=True as the default of torch.load: a checkpoint can run code"
    return ""


def _is_lower(new: str, old: str) -> bool:
    try:
        return Version(new) < Version(old)
    except InvalidVersion:
        return False


def with_plans(report: Report, found: Fixes) -> Report:
    """The report with its plans before what its rules advise, and with a word on the alternatives that have none."""
    advised = (replace(plan, rank=rank) for rank, plan in enumerate(report.plans, len(found.plans) + 1))
    plans = (*found.plans, *advised)
    by_finding = {one.id: tuple(plan.id for plan in plans if one.id in plan.resolves) for one in report.findings}
    findings = tuple(replace(one, plans=by_finding[one.id]) for one in report.findings)
    note = "; ".join(part for part in (report.target.note, *found.without) if part)
    return replace(report, findings=findings, plans=plans, target=replace(report.target, note=note))
