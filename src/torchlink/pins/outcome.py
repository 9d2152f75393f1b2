"""The report on a sequence of install commands: what each does, what it leaves, and what would be safe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torchlink.link.cause import group
from torchlink.link.cause import judge as verdict
from torchlink.model.pins import PinFile
from torchlink.model.question import Question
from torchlink.model.report import Artifact, Coverage, Report, Target
from torchlink.pins.faults import link_play
from torchlink.pins.inlined import with_files
from torchlink.pins.play import Play, asked_for, play, read_one
from torchlink.pins.resolver import UvCommands
from torchlink.pins.safe import Judge, Mend, Run, safe_plan
from torchlink.read.pins.survey import read_pins
from torchlink.solve.means import Means


def artifact(file: PinFile, play: Play) -> Artifact:
    """The steps and the finished environment, for programs."""
    content: dict[str, object] = {
        "format": file.format,
        "steps": [
            {
                "number": one.number,
                "line": one.step.place.line,
                "command": one.step.command,
                "outcome": one.outcome.value,
                "moves": [{"name": move.name, "from": move.old, "to": move.new} for move in one.moves],
                "note": one.note,
            }
            for one in play.steps
        ],
        "versions": dict(play.versions),
    }
    return Artifact(path=file.file, verdict="read", content=content)


def play_report(
    path: Path,
    project: Path | None,
    means: Means,
    question: Question,
    judge: Judge | None,
    mend: Mend,
    version: str,
) -> Report:
    """Play a file through, link what it leaves, and look for one set that serves all of its steps.

    Args:
        path: The file.
        project: The folder that its commands run in; by default its own.
        means: What commands are answered with.
        question: For which machine.
        judge: Links a set of versions; ``None`` where the finished environment is not linked.
        mend: Looks for a set that links, where the first one for all steps does not.
        version: This torchlink's.

    Raises:
        TorchlinkError: The file installs nothing or cannot be read, or uv cannot be asked.
    """
    survey = read_pins(path)
    file = with_files(read_one(survey.files, str(path)), survey.files)
    root = (project or path.parent).resolve()
    commands = UvCommands(means.uv)
    found = play(file, root, commands, beside=survey.files)
    links = link_play(file, found)
    linked = judge(found.versions, asked_for(file)) if judge is not None and found.versions else None
    findings = (*group([links]), *(linked.findings if linked else ()))
    undecided = (*links.undecided, *(linked.undecided if linked else ()))
    note = f"the environment that its {len(found.steps)} steps leave"
    plan = None
    if findings:
        run = Run(file=file, root=root, resolver=commands, found=found, linked=linked, beside=survey.files)
        plan, refusal = safe_plan(run, findings, judge, mend)
        note += f"; no one set of versions serves all of them: {refusal}" if refusal else ""
    return Report(
        torchlink=version,
        verdict=verdict(findings, undecided),
        elapsed_s=0.0,
        target=Target(
            kind="project",
            path=str(path),
            project=str(root),
            python=means.interpreter.version,
            platform=question.platform or means.interpreter.platform,
            note=note,
        ),
        findings=tuple(sorted(findings, key=lambda one: one.severity.rank)),
        coverage=replace(linked.coverage if linked else Coverage(), unknown=len(undecided)),
        plans=(plan,) if plan else (),
        artifacts=(artifact(file, found),),
        undecided=undecided,
    )
