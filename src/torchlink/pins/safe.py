"""One set of versions that serves all steps: looked for, held in every step, played through again, and linked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torchlink.link.cause import group
from torchlink.model.finding import Finding
from torchlink.model.names import distribution_of
from torchlink.model.pins import PinFile
from torchlink.model.plan import Plan, Step
from torchlink.model.reference import Severity
from torchlink.model.report import Report
from torchlink.pins.commands import addressed, without_addresses
from torchlink.pins.faults import link_play
from torchlink.pins.play import Outcome, Play, Resolver, as_asked, asked_for, play, together, wish_of_all
from torchlink.solve.plan import new_unknown
from torchlink.solve.uv import UnsatisfiableError, Wish

Judge = Callable[[Mapping[str, str], frozenset[str]], Report]
"""Links a set of versions, of which some packages are imported; all where none is named."""
Mend = Callable[[Wish], Mapping[str, str] | str]
"""The versions of a set for what is asked that links, or why none is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A file whose steps were played through."""

    file: PinFile
    root: Path
    resolver: Resolver
    found: Play
    linked: Report | None
    """On the environment that they leave; ``None`` where it was not linked."""
    beside: Sequence[PinFile]
    """Files that its commands name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """A plan, or none, and why it is not better."""

    plan: Plan | None
    why: str

    @property
    def is_sound(self) -> bool:
        return self.plan is not None and self.plan.certainty != "suggested"


def safe_plan(run: Run, findings: Sequence[Finding], judge: Judge | None, mend: Mend) -> tuple[Plan | None, str]:
    """One constraints file for all steps, or why there is none.

    What an address holds is unknown. The newest release on the index stands for it, and where no set links with that,
    it is left out, and said to be.

    Args:
        run: The steps as they are.
        findings: What is wrong with them.
        judge: Links a set of versions; ``None`` where the set is only suggested.
        mend: Looks for a set that links, where the first one for all steps does not.
    """
    every = _attempt(run, run.file, findings, judge, mend)
    names = sorted({name for step in run.file.steps for name in addressed(step)})
    if every.is_sound or judge is None or not names:
        return _told(every, "no set that links was found")
    rest = _attempt(run, without_addresses(run.file), findings, judge, mend)
    if not rest.is_sound:
        return _told(every, "no set that links was found")
    return _told(replace(rest, why=every.why), f"no release of {', '.join(names)} goes with it")


def _told(attempt: _Attempt, what: str) -> tuple[Plan | None, str]:
    """The plan with what speaks against it in its note; or that alone."""
    if attempt.plan is None or not attempt.why:
        return attempt.plan, attempt.why
    return replace(attempt.plan, note=f"{attempt.plan.note}\n{what}: {attempt.why}"), ""


def _attempt(run: Run, file: PinFile, findings: Sequence[Finding], judge: Judge | None, mend: Mend) -> _Attempt:
    try:
        versions, why = _one_set(run, file, judge, mend)
    except UnsatisfiableError as error:
        return _Attempt(plan=None, why=error.what)
    held = dict(_held(run, versions))
    lines = [f"{name}=={version}" for name, version in held.items()]
    again = play(file, run.root, run.resolver, held=lines, beside=run.beside)
    failed = {one.number for one in run.found.steps if one.outcome is Outcome.FAILED}
    refused = [one for one in again.steps if one.outcome is Outcome.FAILED and one.number not in failed]
    if again.losses or refused:
        return _Attempt(
            plan=None, why=f"step {refused[0].number} refuses it" if refused else "a step moves it all the same"
        )
    report = judge(again.versions, asked_for(file)) if judge is not None else None
    left = _broken(report) if report is not None else ()
    stays = {one.id for one in (*left, *group([link_play(file, again)]))}
    unknown = new_unknown(run.linked, report) if run.linked is not None and report is not None else 0
    certainty = "suggested" if report is None or left or unknown else "inferred" if _is_inferred(again) else "proven"
    plan = Plan(
        id="p1",
        rank=1,
        summary="one constraints file for every step",
        resolves=tuple(one.id for one in findings if one.id not in stays),
        certainty=certainty,
        unknown=unknown,
        steps=tuple(Step(op="set", package=name, new=version) for name, version in held.items()),
        note="\n".join(("--constraints FILE writes it: give each command -c FILE", *_words(again, certainty, left))),
    )
    return _Attempt(plan=plan, why=why)


def _one_set(run: Run, file: PinFile, judge: Judge | None, mend: Mend) -> tuple[Mapping[str, str], str]:
    """Versions that all steps together ask for, those that link if any do; and why none does.

    Raises:
        UnsatisfiableError: there are none.
    """
    versions = together(file, run.found, run.resolver, run.root)
    if judge is None or not _broken(judge(versions, asked_for(file))):
        return versions, ""
    better = mend(wish_of_all(file, run.found, run.root))
    return (versions, better) if isinstance(better, str) else (as_asked(file, run.found, better), "")


def _held(run: Run, versions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What constraints may say, without the tags of builds, which they admit.

    pip refuses what an address installs where a constraint wants another version. And what comes along from an index
    that was not seen has the versions that are there.
    """
    steps = run.file.steps
    named = {distribution_of(pin.name) for step in steps for pin in step.pins}
    along = {move.name for one in run.found.steps if one.unreached for move in one.moves if not move.old} - named
    left_out = along | {name for step in steps for name in addressed(step)}
    yield from ((name, version.partition("+")[0]) for name, version in sorted(versions.items()) if name not in left_out)


def _is_inferred(play: Play) -> bool:
    is_tagged = any("+" in version for version in play.versions.values())
    return is_tagged or any(one.outcome in (Outcome.INFERRED, Outcome.UNKNOWN) for one in play.steps)


def _words(play: Play, certainty: str, left: Sequence[Finding]) -> Iterator[str]:
    """What was shown of a set, what was not, and of which step."""
    if certainty in ("proven", "inferred"):
        yield "the steps were played through with it, and what they leave links as a whole"
    yield from (f"still there: {one.title}" for one in left)
    for one in play.steps:
        if one.outcome in (Outcome.INFERRED, Outcome.UNKNOWN):
            yield f"{one.outcome.value}: step {one.number} ({one.step.place.label}): {one.note}"
        for name in addressed(one.step):
            if name in play.versions:
                yield f"step {one.number}: ask for {name}=={play.versions[name]}, and not for its address"
        if one.outcome is Outcome.FAILED:
            yield f"step {one.number} ({one.step.place.label}) fails with it too"


def _broken(report: Report) -> tuple[Finding, ...]:
    return tuple(one for one in report.findings if one.severity is not Severity.NOTE)
