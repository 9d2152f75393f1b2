"""Edits and choices as a report: a plan for each file that is rewritten, and one for each place that is left."""

from __future__ import annotations

from pathlib import Path

from torchlink.model.edits import Choice
from torchlink.model.plan import Plan, Step
from torchlink.model.report import Coverage, Report, Target, Verdict
from torchlink.pins.write import Change, diff
from torchlink.source.mend import Mending


def as_report(mending: Mending, root: Path, version: str) -> Report:
    """The report of ``torchlink fix --source``.

    A rewritten file is a proven plan, because the rules were held against it again; its diff is the plan's ``note``. A
    place that is left to choose is a suggested one. ``version`` is torchlink's.
    """
    plans = [_edited(change, mending, rank) for rank, change in enumerate(mending.changes, start=1)]
    plans += [_chosen(choice, root, rank) for rank, choice in enumerate(mending.choices, start=len(plans) + 1)]
    open_ = bool(mending.choices or (mending.changes and not mending.written))
    return Report(
        torchlink=version,
        verdict=Verdict.RISKY if open_ else Verdict.SOUND,
        elapsed_s=0.0,
        target=Target(kind="project", path=str(root), note="written" if mending.written else ""),
        findings=(),
        coverage=Coverage(),
        plans=tuple(plans),
    )


def _edited(change: Change, mending: Mending, rank: int) -> Plan:
    edits = [edit for edit in mending.edits if Path(edit.path) == change.path]
    return Plan(
        id=f"source:{change.file}",
        rank=rank,
        summary="; ".join(dict.fromkeys(f"{edit.rule}: {edit.summary}" for edit in edits)),
        resolves=tuple(dict.fromkeys(edit.rule for edit in edits)),
        certainty="proven",
        unknown=0,
        steps=tuple(Step(op="edit-source", file=change.file, line=edit.line, new=edit.summary) for edit in edits),
        note=diff([change]),
    )


def _chosen(choice: Choice, root: Path, rank: int) -> Plan:
    path = Path(choice.path)
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else choice.path
    return Plan(
        id=f"choose:{file}:{choice.line}:{choice.rule}",
        rank=rank,
        summary=f"{choice.rule}: {choice.why}",
        resolves=(choice.rule,),
        certainty="suggested",
        unknown=1,
        steps=(Step(op="edit-source", file=file, line=choice.line),),
        note="\n".join(choice.options),
    )
