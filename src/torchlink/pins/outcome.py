"""What is wrong with a sequence of install commands, in the words of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torchlink.link.cause import group
from torchlink.link.cause import judge as verdict
from torchlink.model.finding import Finding
from torchlink.model.pins import PinFile
from torchlink.model.plan import Plan
from torchlink.model.plan import Step as Change
from torchlink.model.question import Question
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity, Undecided
from torchlink.model.report import Artifact, Coverage, Report, Target
from torchlink.pins.play import Loss, Outcome, Play, Played, Resolver, as_asked, play, read_one, together, wish_of_all
from torchlink.pins.resolver import UvCommands
from torchlink.read.pins.survey import read_pins
from torchlink.solve.means import Means
from torchlink.solve.uv import UnsatisfiableError


def link_play(file: PinFile, play: Play) -> Links:
    """What the steps do to each other: a bound that is lost, a step that fails, one that is not known."""
    failed = [one for one in play.steps if one.outcome is Outcome.FAILED]
    unsure = [one for one in play.steps if one.outcome in (Outcome.UNKNOWN, Outcome.INFERRED)]
    unknown = tuple(
        Undecided(kind=Kind.PIN, artifact=one.step.place.label, reason=f"step {one.number}: {one.note}", reached=False)
        for one in unsure
    )
    broken = (*(_lost(file, loss) for loss in play.losses), *(_failed(file, one) for one in failed))
    return Links(broken=broken, undecided=unknown, references=len(play.steps))


def _lost(file: PinFile, loss: Loss) -> Broken:
    bound, step, move = loss.bound, loss.played.step, loss.move
    asked = f"{move.name}{bound.specifier}"
    return Broken(
        kind=Kind.PIN,
        severity=Severity.RISK,
        needer=Party(type=PartyType.FILE, name=file.file),
        provider=Party(type=PartyType.PACKAGE, name=move.name, version=move.new.partition("+")[0]),
        target=asked,
        cause=f"step {loss.played.number} ({step.place.label}) moves {move.name} {move.old or '(none)'} → {move.new}; "
        f"step {bound.number} ({bound.place.label}) had asked for {asked}, which no later step remembers",
        evidence=(
            Evidence(artifact=step.place.label, detail=step.command),
            Evidence(artifact=bound.place.label, detail=asked),
        ),
        culprits=("pins",),
    )


def _failed(file: PinFile, played: Played) -> Broken:
    goes_on = "the next one runs all the same" if played.step.tolerated else "what follows may not run"
    return Broken(
        kind=Kind.PIN,
        severity=Severity.RISK,
        needer=Party(type=PartyType.FILE, name=file.file),
        provider=Party(type=PartyType.INDEX, name=", ".join(pin.name for pin in played.step.pins) or "index"),
        target=played.step.command,
        cause=f"step {played.number} ({played.step.place.label}) fails here, and {goes_on}: {played.note}",
        evidence=(Evidence(artifact=played.step.place.label, detail=played.step.command),),
        culprits=("pins",),
    )


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


Judge = Callable[[Mapping[str, str]], Report]
"""Links a set of versions."""
Mend = Callable[[Sequence[str]], Mapping[str, str]]
"""The versions of a set for these requirements that links; none where no such set is found."""


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
    file = read_one(survey.files, str(path))
    root = (project or path.parent).resolve()
    commands = UvCommands(means.uv)
    found = play(file, root, commands)
    links = link_play(file, found)
    linked = judge(found.versions) if judge is not None and found.versions else None
    findings = (*group([links]), *(linked.findings if linked else ()))
    undecided = (*links.undecided, *(linked.undecided if linked else ()))
    note = f"the environment that its {len(found.steps)} steps leave"
    plan = None
    if findings:
        plan, refusal = _safe_plan(file, found, root, commands, judge, mend, tuple(one.id for one in findings))
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


def _safe_plan(
    file: PinFile,
    found: Play,
    root: Path,
    commands: Resolver,
    judge: Judge | None,
    mend: Mend,
    findings: tuple[str, ...],
) -> tuple[Plan | None, str]:
    """One set of versions for all steps, played through and linked; or why there is none."""
    try:
        versions = together(file, found, commands)
        report = judge(versions) if judge is not None else None
        if judge is not None and report is not None and _broken(report):
            better = mend(wish_of_all(file, found).lines)
            if better:
                versions = as_asked(file, found, better)
                report = judge(versions)
    except UnsatisfiableError as error:
        return None, error.what
    held = [f"{name}=={version.partition('+')[0]}" for name, version in versions.items()]
    again = play(file, root, commands, held=held)
    failed = {one.number for one in found.steps if one.outcome is Outcome.FAILED}
    refused = [one for one in again.steps if one.outcome is Outcome.FAILED and one.number not in failed]
    if again.losses or refused:
        return None, f"step {refused[0].number} refuses it" if refused else "a step moves it all the same"
    left = _broken(report) if report is not None else ()
    unknown = sum(one.reached for one in report.undecided) if report else 0
    inferred = any("+" in version for version in versions.values()) or any(
        one.outcome is Outcome.INFERRED for one in again.steps
    )
    certainty = "suggested" if report is None or left or unknown else "inferred" if inferred else "proven"
    plan = Plan(
        id="p1",
        rank=1,
        summary="one constraints file for every step",
        resolves=tuple(one for one in findings if one not in {finding.id for finding in left}),
        certainty=certainty,
        unknown=unknown,
        steps=tuple(Change(op="set", package=name, new=version) for name, version in sorted(versions.items())),
        note="; ".join(["--constraints FILE writes it; give each command -c FILE", *map(_stays, left)]),
    )
    return plan, ""


def _broken(report: Report) -> tuple[Finding, ...]:
    return tuple(one for one in report.findings if one.severity is not Severity.NOTE)


def _stays(finding: Finding) -> str:
    return f"still there: {finding.title}"
