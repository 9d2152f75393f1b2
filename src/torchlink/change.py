"""The second page of the table of contents: apply → verify → keep or roll back, and what was changed since."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torchlink import __version__, pipeline
from torchlink.apply.difference import between, snapshot_named
from torchlink.apply.journal import entries
from torchlink.apply.network import fetch
from torchlink.apply.pending import state_folder
from torchlink.apply.poetry import Poetry, find_poetry
from torchlink.apply.relock import POETRY, UV, Relock, is_concerned, relocked
from torchlink.apply.snapshot import take
from torchlink.apply.transaction import Means, Request, carry_out, go_on, kept_report, undo, unfinished
from torchlink.catalog.cache import cache_folder, open_cache
from torchlink.model.difference import Difference
from torchlink.model.environment import Environment
from torchlink.model.errors import TorchlinkError
from torchlink.model.plan import Plan, Step
from torchlink.model.probe import ProbeResult
from torchlink.model.report import Report
from torchlink.model.transaction import FileChange, State, Transaction
from torchlink.probe.catalog import FAMILY, probes_for
from torchlink.probe.run import DEFAULT_LIMITS, Limits, run_probes
from torchlink.read.configuration import read_configuration
from torchlink.read.environment import environment_of, find, installation_of, survey
from torchlink.read.index_settings import index_settings
from torchlink.read.layout import Installation
from torchlink.read.uv_program import find_uv
from torchlink.report.advice import is_advice
from torchlink.solve.uv import Uv

Progress = pipeline.Progress
_LEFT_LOCKS = ("pdm.lock", "pixi.lock", "Pipfile.lock", "pylock.toml")
_MOST_IMPORTED = 12
"""So many packages beside the PyTorch family are imported in probes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The environment and the project that are worked on."""

    python: Path
    project: Path | None
    installation: Installation
    cache: bool = True

    @property
    def prefix(self) -> Path:
        return Path(self.installation.layout.prefix)

    def environment(self) -> Environment:
        """The environment as it is now."""
        return environment_of(survey(self.python, os.environ))

    @property
    def root(self) -> Path | None:
        """The project's folder."""
        if self.project is None:
            return None
        return (self.project if self.project.is_dir() else self.project.parent).absolute()


def place(project: Path | None, python: Path | None, *, cache: bool = True) -> Place:
    """Find the environment that is to be changed.

    Raises:
        TorchlinkError: there is none, or its interpreter does not run.
    """
    target = find(project, python, os.environ)
    installation = installation_of(target, os.environ)
    if not installation.interpreter.executed:
        raise TorchlinkError("its interpreter does not run here", where=str(target), mend="work where it runs")
    return Place(python=target, project=project, installation=installation, cache=cache)


def choose(report: Report, number: int | None, root: Path | None = None) -> Plan:
    """The plan that was asked for; without a number, the best one that costs nothing of what the user wrote.

    Args:
        report: with its plans.
        number: the rank of one.
        root: the project's folder: a lock in it is not made anew, which the user must know.

    Raises:
        TorchlinkError: there is no such plan, or the best one needs the user's word.
    """
    if number is not None:
        chosen = [plan for plan in report.plans if plan.rank == number]
        if not chosen:
            raise TorchlinkError(f"there is no plan {number}", mend=f"there are {len(report.plans)}")
        return chosen[0]
    best = next((plan for plan in report.plans if not is_advice(plan)), None)
    if best is None:
        raise TorchlinkError("there is no plan to carry out", mend=report.target.note or "nothing is broken")
    doubts = [f"it goes against {one.constraint} ({one.file}:{one.line})" for one in best.violates]
    doubts += [best.security] if best.security else []
    doubts += [f"it is {best.certainty}, not proven"] if best.certainty == "suggested" else []
    doubts += [f"{name} stays as it is, and a sync from it would undo the change" for name in _left_locks(root)]
    if doubts:
        mend = f"say --choose {best.rank} if that is what you want"
        raise TorchlinkError(f"the best plan, {best.summary}, needs your word: {doubts[0]}", mend=mend)
    return best


def _left_locks(root: Path | None) -> list[str]:
    return [name for name in _LEFT_LOCKS if root is not None and (root / name).is_file()]


def apply(
    plan: Plan,
    report: Report,
    at: Place,
    *,
    even_in_use: bool = False,
    index_url: str = "",
    offline: bool = False,
    progress: Progress,
) -> Transaction:
    """Carry out a plan on an environment and on its project's files, and keep it only if it links and runs.

    Args:
        plan: what is carried out.
        report: on this environment, with the plan and its alternatives.
        at: where.
        even_in_use: whether to go on where processes use the environment.
        index_url: the index to use instead of the configured one.
        offline: whether uv is to use only what it has fetched before.
        progress: told how far the work has come.

    Raises:
        TorchlinkError: nothing was changed.
    """
    before = pipeline.check(at.project, python=at.python, cache=at.cache, progress=progress)
    driver = _uv(at, index_url=index_url, offline=offline)
    files = (*_pin_edits(plan, at, progress), *_source_edits(plan, at))
    for root, lock, relock in _locks(at, plan, driver):
        progress(f"making {lock} anew", 0, 0)
        files = (*files, relocked(root, lock, files, plan, relock))
        plan = replace(plan, steps=(*plan.steps, Step(op="relock", file=lock)))
    request = Request(
        plan=plan,
        prefix=at.prefix,
        base_prefix=at.installation.layout.base_prefix,
        project="" if at.root is None else str(at.root),
        report=replace(report, findings=tuple({one.id: one for one in (*before.findings, *report.findings)}.values())),
        files=files,
        even_in_use=even_in_use,
    )
    concerned = _concerned(plan, request.report)
    return carry_out(request, _means(at, concerned, progress, driver))


def resume(at: Place, *, progress: Progress) -> Transaction:
    """Finish the change that was interrupted.

    Raises:
        TorchlinkError: none was, or it was interrupted before anything was changed.
    """
    concerned: list[str] = []
    entry = unfinished(at.prefix)
    if entry is not None and entry.state() is not State.PREPARING:
        begun = entry.transaction()
        concerned = _concerned(begun.plan, kept_report(entry))
        at = replace(at, project=Path(begun.project) if begun.project else at.project)
    return go_on(at.prefix, _means(at, concerned, progress, _uv(at)))


def rollback(at: Place, number: int | None) -> Transaction:
    """Undo a change: the interrupted one, the one of this number, or the latest.

    Raises:
        TorchlinkError: there is none, or what it left has been changed since.
    """
    return undo(at.prefix, number, at.environment, state_folder(os.environ))


def history(at: Place) -> list[Transaction]:
    """The changes of an environment, oldest first."""
    return [entry.transaction() for entry in entries(at.prefix)]


def difference(at: Place, first: str, second: str) -> Difference:
    """What differs between two moments of an environment.

    Args:
        at: the environment.
        first: ``N`` as change N left it, ``N:before``, ``now``, or empty for the latest committed change.
        second: likewise; empty for now.

    Raises:
        TorchlinkError: there is no such snapshot.
    """
    now = take(at.environment())
    old, new = (snapshot_named(at.prefix, name, now) for name in (first or "latest", second or "now"))
    return between(old, new)


def probe(
    at: Place, *, checkpoints: Sequence[Path] = (), verified: bool = True, limits: Limits = DEFAULT_LIMITS
) -> tuple[ProbeResult, ...]:
    """Run the probes, and the project's own ``verify`` command.

    Args:
        at: where.
        checkpoints: files to load.
        verified: whether the project's command is run.
        limits: what each probe may take.

    Raises:
        TorchlinkError: the project's configuration is not understood.
    """
    return _probe(at, (), checkpoints, limits, verified=verified)


def _probe(
    at: Place, packages: Sequence[str], checkpoints: Sequence[Path], limits: Limits, *, verified: bool
) -> tuple[ProbeResult, ...]:
    from torchlink.probe.verify import verify
    from torchlink.rules.behaviour import rule_codes

    environment = at.environment()
    installed = frozenset(one.name for one in environment.distributions)
    probes = probes_for(installed, _modules(environment, packages), [path.absolute() for path in checkpoints])
    results = run_probes(at.python, probes, os.environ, limits)
    command = () if at.root is None or not verified else read_configuration(at.root, rule_codes()).verify
    if command and at.root is not None:
        results = (*results, verify(command, at.root, at.prefix, os.environ))
    return results


def _modules(environment: Environment, packages: Sequence[str]) -> Iterator[str]:
    """What is imported: the family's packages, and the one module that each of some others is known by."""
    for name in dict.fromkeys((*FAMILY, *packages)):
        found = environment.distribution(name)
        if found is None:
            continue
        public = [top for top in found.top_level if not top.startswith("_")]
        same = [top for top in public if top.replace("_", "-").lower() == name]
        yield from (same or public[:1] if len(public) == 1 or same else [])


def _concerned(plan: Plan, report: Report) -> list[str]:
    """The packages whose imports show whether a plan helps: those at both ends of what it mends, and those it moves."""
    mended = [one for one in report.findings if one.id in plan.resolves]
    parties = [party.name for one in mended for party in (one.needer, one.provider)]
    moved = [step.package for step in plan.steps if step.op in {"set", "add"}]
    return list(dict.fromkeys((*parties, *moved)))[:_MOST_IMPORTED]


def _uv(at: Place, *, index_url: str = "", offline: bool = False) -> Uv:
    settings = index_settings(at.root, os.environ, index_url)
    return Uv(program=find_uv(), settings=settings, python=str(at.python), offline=offline, folder=at.root)


def _locks(at: Place, plan: Plan, driver: Uv) -> Iterator[tuple[Path, str, Relock]]:
    """The locks that are made anew with a plan, and how.

    Raises:
        TorchlinkError: the tool of one is not here.
    """
    if at.root is None:
        return
    if is_concerned(at.root, UV, plan):
        yield at.root, UV, driver.relock
    if is_concerned(at.root, POETRY, plan):
        if driver.offline:
            raise TorchlinkError(f"poetry makes no {POETRY} without a network", mend="leave out --offline")
        yield at.root, POETRY, Poetry(program=find_poetry(at.prefix), prefix=at.prefix).relock


def _means(at: Place, concerned: Sequence[str], progress: Progress, driver: Uv) -> Means:
    return Means(
        stage=partial(fetch, driver),
        environment=at.environment,
        judge=lambda: pipeline.check(at.project, python=at.python, cache=at.cache, progress=progress),
        probe=lambda: _probe(at, concerned, (), DEFAULT_LIMITS, verified=True),
        tell=progress,
        state=state_folder(os.environ),
    )


def _pin_edits(plan: Plan, at: Place, progress: Progress) -> Iterator[FileChange]:
    """What the plan's pins make of the project's files, every place that pins them included."""
    versions = {step.package: step.new for step in plan.steps if step.op == "edit-pin" and step.new}
    if not versions:
        return
    if at.root is None:
        raise TorchlinkError("the plan edits pins of a project, and none was given", mend="name the project")
    from torchlink.pins.set import set_versions

    store = open_cache(cache_folder(os.environ) if at.cache else None, __version__)
    try:
        setting = set_versions(
            at.root, versions, family=False, documents=False, variables=os.environ, store=store, progress=progress
        )
    finally:
        store.close()
    if setting.left:
        left = setting.left[0]
        raise TorchlinkError(
            f"{left.pin.name}{left.pin.wanted} cannot be edited: {left.reason}",
            where=left.pin.place.label,
            mend="change it by hand",
        )
    for one in setting.changes:
        if one.before is not None:  # pins stand in files that are there
            yield FileChange(path=one.path, before=one.before, after=one.after)


def _source_edits(plan: Plan, at: Place) -> Iterator[FileChange]:
    """What the behaviour rules make of the files that the plan edits.

    Raises:
        TorchlinkError: one of them is left to its writer.
    """
    files = {step.file for step in plan.steps if step.op == "edit-source"}
    if not files:
        return
    if at.root is None:
        raise TorchlinkError("the plan edits source of a project, and none was given", mend="name the project")
    changes = {one.file: one for one in pipeline.mend_source(at.root, python=at.python).changes}
    for file in sorted(files):
        if file not in changes:
            raise TorchlinkError("what is to be done is left to its writer", where=file, mend="edit it by hand")
        yield FileChange(path=changes[file].path, before=changes[file].before, after=changes[file].after)
