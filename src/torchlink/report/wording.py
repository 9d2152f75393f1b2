"""Sentences that several renderers share, so that they say the same thing in the same words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from torchlink.model.finding import Finding
from torchlink.model.plan import Plan, Step
from torchlink.model.reference import Severity, Undecided
from torchlink.model.report import Report, Verdict

_ARROW = " → "
_SHOWN_BEFORE, _SHOWN_AFTER = 3, 2
_MOST_ARTIFACTS = 2
_PLURALS = {"library": "libraries"}


def counted(number: int, noun: str) -> str:
    """``1 break``, ``2 breaks``, ``1,204 native libraries``."""
    if number == 1:
        return f"1 {noun}"
    head, _, last = noun.rpartition(" ")
    plural = _PLURALS.get(last, f"{last}s")
    return f"{number:,} {head} {plural}" if head else f"{number:,} {plural}"


def of_severity(findings: Iterable[Finding], severity: Severity) -> tuple[Finding, ...]:
    """The findings of one severity, in the report's order."""
    return tuple(finding for finding in findings if finding.severity is severity)


def tally(report: Report) -> str:
    """``2 breaks, 1 risk``; what there is none of is left out."""
    parts = [(len(of_severity(report.findings, severity)), severity.value) for severity in Severity]
    named = ", ".join(counted(number, noun) for number, noun in parts if number)
    return named or "nothing found"


def verdict_sentence(report: Report) -> str:
    """The verdict and what it rests on, in one sentence."""
    if report.target.kind == "log":
        return _log_sentence(report)
    match report.verdict:
        case Verdict.BROKEN:
            return f"broken: {tally(report)}"
        case Verdict.RISKY:
            return f"risky: nothing is broken, {tally(report)}"
        case Verdict.UNDECIDED:
            return (
                f"undecided: nothing is broken, but not everything on a reached path could be decided; {tally(report)}"
            )
        case Verdict.SOUND:
            return f"sound: every reference that is reached resolves; {tally(report)}"


def _log_sentence(report: Report) -> str:
    unknown = len(report.undecided)
    others = f"{counted(unknown, 'error')} that torchlink does not know" if unknown else ""
    match report.verdict:
        case Verdict.UNDECIDED:
            return f"undecided: not an incompatibility that I know; {others}"
        case Verdict.SOUND if report.findings:
            return f"sound: no error, {tally(report)}"
        case Verdict.SOUND:
            return "sound: there is no error in this log"
        case _:
            return "; ".join(part for part in (f"{report.verdict.value}: {tally(report)}", others) if part)


def coverage_sentence(report: Report) -> str:
    """What was looked at, and how long it took."""
    coverage = report.coverage
    seen = (
        (coverage.distributions, "distribution"),
        (coverage.modules, "reached module"),
        (coverage.native_libraries, "native library"),
        (coverage.references, "reference"),
    )
    return f"{', '.join(counted(number, noun) for number, noun in seen)} in {report.elapsed_s:.1f} s"


def target_sentence(report: Report) -> str:
    """What was asked about: ``Python 3.11.7, linux_x86_64``."""
    python = f"Python {report.target.python}" if report.target.python else ""
    return ", ".join(part for part in (python, report.target.platform) if part)


def reasons(undecided: Iterable[Undecided], most: int) -> tuple[tuple[int, str], ...]:
    """The reasons for which something stayed undecided, with how often each was met; those on a reached path first.

    What one or two artifacts alone have is said of them: ``shelf 2.0: was yanked: broken build``.
    """
    every = tuple(undecided)
    counts = Counter(one.reason for one in every)
    reached = {one.reason for one in every if one.reached}
    ordered = sorted(counts.items(), key=lambda item: (item[0] not in reached, -item[1], item[0]))
    return tuple((number, f"{_whose(reason, every)}{reason}") for reason, number in ordered[:most])


def _whose(reason: str, undecided: Iterable[Undecided]) -> str:
    artifacts = dict.fromkeys(one.artifact for one in undecided if one.reason == reason)
    named = [one for one in artifacts if one and one not in reason]
    return f"{', '.join(named)}: " if named and len(artifacts) <= _MOST_ARTIFACTS else ""


def plan_sentence(plan: Plan) -> str:
    """How sure a plan is, what it keeps and what it costs: ``proven, keeps torch 2.1.2, 45 MB to download``."""
    size = f"{plan.download_bytes / 1e6:,.0f} MB to download" if plan.download_bytes >= 1e6 else ""
    unknown = f"{counted(plan.unknown, 'reference')} more could not be decided" if plan.unknown else ""
    return ", ".join(part for part in (plan.certainty, plan.note, size, unknown) if part)


def step_lines(steps: Iterable[Step]) -> tuple[str, ...]:
    """Steps as a person reads them, those of one kind in one line."""
    lines: dict[str, list[str]] = {}
    for step in steps:
        if step.op == "edit-pin":
            lines[f"edit {step.file}:{step.line}: {step.package}=={step.new}"] = []
        elif step.op == "edit-source" and step.line:
            lines[f"edit {place(step)}"] = []
        else:
            target = f"{step.package}=={step.new}" if step.new else step.package or step.file
            lines.setdefault(step.op, []).append(target)
    return tuple(f"{op} {' '.join(targets)}".strip() for op, targets in lines.items())


def place(step: Step) -> str:
    """Where source is edited, and what stands there: ``detect.py:25: calls from_numpy()``."""
    return f"{step.file}:{step.line}{': ' if step.new else ''}{step.new}"


def seen(finding: Finding) -> tuple[str, ...]:
    """The evidence, a line each; several artifacts that show the same come before what they all show."""
    artifacts: dict[str, list[str]] = {}
    for piece in finding.evidence:
        artifacts.setdefault(piece.detail, []).append(piece.artifact)
    lines: list[str] = []
    for detail, places in artifacts.items():
        lines += [f"{places[0]}: {detail}"] if len(places) == 1 else [*places, f"each: {detail}"]
    more = more_references(finding)
    return (*lines, more) if more else tuple(lines)


def message_lines(message: str) -> tuple[str, ...]:
    """An error message as it was raised, a line each, without the empty ones."""
    return tuple(line.strip() for line in message.splitlines() if line.strip())


def shortened(chain: str) -> str:
    """A chain with its beginning and its end, where it is long; ``--explain`` shows all of it."""
    steps = chain.split(_ARROW)
    left_out = len(steps) - _SHOWN_BEFORE - _SHOWN_AFTER
    if left_out < 2:
        return chain
    between = f"({left_out} more steps)"
    return _ARROW.join([*steps[:_SHOWN_BEFORE], between, *steps[-_SHOWN_AFTER:]])


def more_references(finding: Finding) -> str:
    """How many references besides those shown have the same cause; empty where there are none."""
    hidden = finding.count - max(1, len(finding.evidence))
    if hidden <= 0:
        return ""
    return f"and {counted(hidden, 'more reference')} with this cause"
