"""The table of contents: find → read → link → report. Every face calls this, and nothing below it."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from torchlink import __version__
from torchlink.catalog.cache import cache_folder, open_cache
from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.finding import Certainty
from torchlink.model.report import Coverage, Report, Target
from torchlink.model.store import ByteStore
from torchlink.read.environment import Survey, find, survey
from torchlink.report import json as report_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchlink.checkpoint.check import Checked
    from torchlink.explain.log import Explained, Log
    from torchlink.link.owners import Owners
    from torchlink.model.configuration import Ignore
    from torchlink.model.edits import Choice, SourceEdit
    from torchlink.model.environment import Environment, Project
    from torchlink.model.finding import Finding
    from torchlink.model.machine import Machine
    from torchlink.model.matrix import Matrix
    from torchlink.model.question import Question
    from torchlink.model.reach import Reach
    from torchlink.model.reference import Broken, Links
    from torchlink.model.source import Sources
    from torchlink.model.wheel_description import WheelDescription
    from torchlink.read.subject import Subject
    from torchlink.solve.wheel_set import WheelSet
    from torchlink.source.mend import Mending

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, what is done, and what there is to do (0 where that is not known)."""

STACK_BYTES = 512 * 2**20
"""Address space for the thread that links: imports nest deep. Only what is used is taken."""
_LARGEST_SETTINGS = 2**20
RECURSION_LIMIT = 60_000
_LARGEST_MACHINE = 4 * 2**20


@dataclass(frozen=True, slots=True)
class _Answer:
    report: Report
    variables: frozenset[str]
    """The environment variables that the answer depends on."""
    files: frozenset[str]
    """Checkpoints that it depends on, whether they are there or not."""


def check(
    project: Path | None = None,
    *,
    python: Path | None = None,
    machine: Path | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Say what is broken in an environment, and why.

    Args:
        project: a folder (or file) of source: what it reaches is judged. Without it, every installed package is.
        python: the interpreter or folder of the environment; by default the project's, or the active one.
        machine: a file of ``torchlink machine --format json``: the machine that it will run on; by default this one.
        cache: whether to use and keep what was read. An unchanged environment and project is answered at once.
        progress: told how far the work has come.

    Raises:
        TorchlinkError: there is no such project or environment, or it cannot be read.
    """
    began = time.perf_counter()
    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    tell = progress or _silent
    try:
        tell("reading the environment", 0, 0)
        place = _find(project, python, machine)
        if place is None:
            return _bare(project, cache=cache, progress=progress)
        surveyed = survey(place, os.environ, store)
        source = None if project is None else _read_project(project)
        target = this_machine(os.environ) if machine is None else _other_machine(machine)
        key = report_key(surveyed, source, target)
        report = remembered(store, key) if surveyed.tree.complete else None
        if report is None:
            from torchlink.read.subject import installed

            with _without_collector():
                answer = _in_deep_thread(lambda: _link(installed(surveyed, store), source, store, tell, target))
            report = answer.report
            if surveyed.tree.complete:
                _remember(store, key, answer)
        return replace(report, elapsed_s=round(time.perf_counter() - began, 3))
    finally:
        store.close()


def _find(project: Path | None, python: Path | None, machine: Path | None) -> Path | None:
    """The environment; ``None`` for a project without one whose own files say what it would be made of.

    Raises:
        TorchlinkError: there is none, and no such files.
    """
    try:
        return find(project, python, os.environ)
    except TorchlinkError:
        if project is None or python is not None or machine is not None or not _requirement_files(project):
            raise
        return None


def _bare(project: Path | None, *, cache: bool, progress: Progress | None) -> Report:
    from torchlink.model.question import Question

    report = what_if(Question(fresh=True), project, cache=cache, progress=progress)
    note = "; ".join(
        part for part in ("no environment was found, so its requirements were resolved", report.target.note) if part
    )
    return replace(report, target=replace(report.target, note=note))


def what_if(
    question: Question,
    project: Path | None = None,
    *,
    python: Path | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Say what would break in a set of releases that is not installed, and why.

    Args:
        question: which set, and for which Python and platform.
        project: as in `check`.
        python: the interpreter to judge for; by default the project's, the active one, or the one that runs torchlink.
        cache: whether to use and keep what was read of wheels.
        progress: told how far the work has come.

    Raises:
        TorchlinkError: there is no such file or project, no set satisfies the question, or an index does not answer.
    """
    from torchlink.solve.ask import ask

    began = time.perf_counter()
    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    tell = progress or _silent
    try:
        source = None if project is None else _read_project(project)
        asked = ask(_of_project(question, project), project, python, os.environ, store, tell)
        report = judge_set(asked.answer, source, store, tell)
        if question.bisect:
            from torchlink.solve.bisect import bisect

            broke = bisect(asked, report, lambda wheels: judge_set(wheels, source, store, _silent), tell)
            report = replace(broke.report, target=replace(broke.report.target, note=broke.sentence))
        return replace(report, elapsed_s=round(time.perf_counter() - began, 3), target=asked.target(report.target))
    finally:
        store.close()


def fix(
    question: Question,
    project: Path | None = None,
    *,
    python: Path | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Find changes that mend what is broken, each proven by linking the whole changed set. Nothing is changed.

    Args:
        question: a what-if target, or an empty one for the installed environment.
        project: as in `check`; what its own files require is what plans should not break.
        python: as in `check`.
        cache: as in `check`.
        progress: told how far the work has come.

    Raises:
        TorchlinkError: as `what_if`.
    """
    from torchlink.solve.ask import ask
    from torchlink.solve.declared import declared
    from torchlink.solve.fix import Trouble, fixes
    from torchlink.solve.plan import with_plans

    began = time.perf_counter()
    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    tell = progress or _silent
    try:
        source = None if project is None else _read_project(project)
        question = _of_project(question, project)
        asked = ask(question, project, python, os.environ, store, tell)
        report = judge_set(asked.answer, source, store, tell)
        files = question.requirements or (() if project is None else _requirement_files(project))
        trouble = Trouble(
            asked=asked,
            report=report,
            declared=declared(files, question.added),
            judge=lambda wheels: judge_set(wheels, source, store, _silent),
            tell=tell,
        )
        mended = with_plans(replace(report, target=asked.target(report.target)), fixes(trouble))
        return replace(mended, elapsed_s=round(time.perf_counter() - began, 3))
    finally:
        store.close()


def _of_project(question: Question, project: Path | None) -> Question:
    """A question about a fresh install, with the files that say what is installed.

    Raises:
        TorchlinkError: the project has none.
    """
    if not question.fresh:
        return question
    files = () if project is None else _requirement_files(project)
    if not files:
        raise TorchlinkError(
            "has neither requirements.txt nor a pyproject.toml with dependencies",
            where=str(project or "."),
            mend="name the file with --requirements",
        )
    return replace(question, requirements=files)


def _requirement_files(project: Path) -> tuple[Path, ...]:
    """What a project's own files require: ``requirements.txt``, and ``pyproject.toml`` where it has dependencies."""
    from torchlink.solve.declared import declared

    home = project if project.is_dir() else project.parent
    return tuple(path for path in (home / "requirements.txt", home / "pyproject.toml") if declared([path]))


def matrix(
    packages: Sequence[str],
    question: Question,
    *,
    every: bool = False,
    cache: bool = True,
    progress: Progress | None = None,
) -> tuple[Matrix, ...]:
    """Say which versions of packages work together, by the facts of their wheels: a matrix for each two of them.

    Args:
        packages: their names.
        question: for which Python and platform, from which index.
        every: every release, not the newest of each minor release alone.
        cache: as in `check`.
        progress: told how far the work has come.

    Raises:
        TorchlinkError: a package has no release for this Python, or no index answers.
    """
    from torchlink.model.names import normalise
    from torchlink.solve.matrix import matrices
    from torchlink.solve.means import means_of

    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    tell = progress or _silent
    try:
        means = means_of(question, None, None, os.environ, store, tell)
        names = tuple(dict.fromkeys(map(normalise, packages)))
        return matrices(names, means.wheels, means.interpreter, every=every, tell=tell)
    finally:
        store.close()


def wheel_facts(
    name: str, version: str, question: Question, *, cache: bool = True, progress: Progress | None = None
) -> WheelDescription:
    """What the wheel of one release holds, and from which bytes that is known.

    Args:
        name: the package's.
        version: exact; with a local part for a build of its own.
        question: for which Python and platform, from which index.
        cache: as in `check`.
        progress: told how far the reading has come.

    Raises:
        TorchlinkError: there is no such wheel, or no index answers.
    """
    from torchlink.solve.describe import describe
    from torchlink.solve.means import means_of

    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    try:
        means = means_of(question, None, None, os.environ, store, progress or _silent)
        return describe(name, version, means.wheels)
    finally:
        store.close()


def mine(releases: Path, question: Question, *, progress: Progress | None = None) -> Iterator[tuple[str, str, str]]:
    """Read the wheels of a list of releases into the cache, one after the other.

    Args:
        releases: a frozen file: ``name==version`` a line.
        question: for which Python and platform, from which index.
        progress: told how far the reading has come.

    Yields:
        Name, version, and what was read of it or why nothing was.

    Raises:
        TorchlinkError: the file cannot be read, or no index answers.
    """
    from torchlink.read.frozen import read_frozen
    from torchlink.solve.describe import mined
    from torchlink.solve.means import means_of

    store = open_cache(cache_folder(os.environ), __version__)
    try:
        means = means_of(question, None, None, os.environ, store, progress or _silent)
        for pin in read_frozen(releases, means.interpreter.markers, every=True).pins:
            yield pin.name, pin.version, mined(pin.name, pin.version, means.wheels)
    finally:
        store.close()


def play(
    file: Path,
    question: Question,
    *,
    project: Path | None = None,
    python: Path | None = None,
    link: bool = True,
    cache: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Play the install commands of a file through, and say what they leave.

    Args:
        file: a script, a Dockerfile, a program.
        question: for which Python and platform, as of which day, whether offline.
        project: the folder that the commands run in; by default the file's own.
        python: as in `check`.
        link: whether the finished environment is linked by its wheels.
        cache: as in `check`.
        progress: as in `check`.

    Raises:
        TorchlinkError: the file installs nothing or cannot be read, or no index answers.
    """
    from torchlink.catalog.wheels import Pin
    from torchlink.pins.outcome import play_report
    from torchlink.pins.resolver import means_for_plain
    from torchlink.solve.wheel_set import wheel_set

    began = time.perf_counter()
    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    tell = progress or _silent
    try:
        means = means_for_plain(question, python, os.environ, store, tell)

        def judge(versions: Mapping[str, str]) -> Report:
            pins = [Pin(name=name, version=version) for name, version in versions.items()]
            return judge_set(wheel_set(pins, means.wheels, means.interpreter), None, store, tell)

        tell("playing the steps", 0, 0)
        report = play_report(file, project, means, question, judge if link else None, __version__)
        return replace(report, elapsed_s=round(time.perf_counter() - began, 3))
    finally:
        store.close()


def judge_set(wheels: WheelSet, project: Project | None, store: ByteStore, tell: Progress) -> Report:
    """Link a set of wheels as if it were installed; a set that was linked before is answered at once."""
    from torchlink.link.cause import judge

    digest = wheels.digest
    key = _digest(digest, project)
    report = remembered(store, key) if digest else None
    if report is None:
        with _without_collector():
            answer = _in_deep_thread(lambda: _link(wheels.subject(store), project, store, tell))
        report = answer.report
        if digest:
            _remember(store, key, answer)
    undecided = tuple(sorted((*wheels.undecided(), *report.undecided), key=lambda one: not one.reached))
    coverage = replace(report.coverage, unknown=len(undecided))
    return replace(report, undecided=undecided, coverage=coverage, verdict=judge(report.findings, undecided))


def explain(
    data: bytes,
    *,
    name: str = "log",
    python: Path | None = None,
    environment: bool = True,
    cache: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Say what the errors in a log mean, and what mends them.

    Args:
        data: the log, in whatever encoding.
        name: what it is called in the report.
        python: the interpreter or folder of the environment that it may be of; by default the active one.
        environment: whether to use an environment at all. One that the log speaks against is left out.
        cache: as for `check`.
        progress: as for `check`.

    Raises:
        TorchlinkError: ``python`` is no environment, or cannot be read.
    """
    from torchlink.explain.log import explain_log, read_log
    from torchlink.link.cause import judge

    began = time.perf_counter()
    log = read_log(data, name)
    explained = explain_log(log, log.context)
    note, python_version, platform = "", log.context.python, log.context.platform
    if environment and (target := _environment_at_hand(python)) is not None:
        at_hand = _compare(log, explained, target, cache, progress or _silent)
        explained, note = at_hand.explained, at_hand.note
        python_version, platform = at_hand.python or python_version, at_hand.platform or platform
    found = explained.answer
    return Report(
        torchlink=__version__,
        verdict=judge(found.findings, explained.unknown),
        elapsed_s=round(time.perf_counter() - began, 3),
        target=Target(kind="log", path=name, python=python_version, platform=platform, note=note),
        findings=found.findings,
        plans=found.plans,
        coverage=Coverage(unknown=len(explained.unknown)),
        undecided=explained.unknown,
    )


def _silent(stage: str, done: int, total: int) -> None:
    pass


def _read_project(path: Path) -> Project:
    from torchlink.read.project import read_project

    return read_project(path)


# A log and the environment at hand


@dataclass(frozen=True, slots=True, kw_only=True)
class _AtHand:
    explained: Explained
    note: str
    python: str = ""
    platform: str = ""


def _environment_at_hand(python: Path | None) -> Path | None:
    """The environment of ``check``; ``None`` where none was asked for and none is active."""
    if python is not None:
        return find(None, python, os.environ)
    try:
        return find(None, None, os.environ)
    except TorchlinkError:
        return None


def _compare(log: Log, alone: Explained, target: Path, cache: bool, tell: Progress) -> _AtHand:
    """Explain a log in an environment, if it is of that environment: with its versions, and with what the linker says
    of the imports that failed."""
    from torchlink.explain.log import explain_log
    from torchlink.explain.surroundings import SOURCE, failing_imports, fit, joined, with_versions
    from torchlink.read.environment import environment_of

    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    try:
        tell("reading the environment", 0, 0)
        environment = environment_of(survey(target, os.environ, store))
    finally:
        store.close()
    fitting = fit(log, alone.answer, environment)
    if not fitting.fits:
        return _AtHand(explained=alone, note=f"{environment.prefix} is left out: {fitting.reason}")
    explained = explain_log(log, with_versions(log.context, environment))
    source = failing_imports(log, explained.answer, environment)
    if source:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / SOURCE).write_text(source, encoding="utf-8")
            linked = check(Path(folder), python=target, cache=cache, progress=tell)
        explained = replace(explained, answer=joined(explained.answer, linked.findings, log))
    return _AtHand(
        explained=explained,
        note=f"explained with the environment {environment.prefix}: {fitting.reason}",
        python=environment.interpreter.version,
        platform=environment.interpreter.platform,
    )


# Read and link


def this_machine(variables: Mapping[str, str]) -> Machine:
    """This machine: its GPUs, drivers and C libraries."""
    from torchlink.read.machine import read_machine

    return read_machine(variables)


def _other_machine(path: Path) -> Machine:
    from torchlink.read.bounded import read_bounded
    from torchlink.report.machine import load

    return load(read_bounded(path, _LARGEST_MACHINE).decode("utf-8", "replace"), str(path))


def _link(
    subject: Subject, project: Project | None, store: ByteStore, tell: Progress, machine: Machine | None = None
) -> _Answer:
    from torchlink.link.behaviour_plans import with_fixes
    from torchlink.link.cause import group, identity_of, judge
    from torchlink.link.importing.run import files_ahead, link_imports
    from torchlink.link.natives import NativeLinker
    from torchlink.link.numpy_bridge import bridge_calls
    from torchlink.link.owners import Owners
    from torchlink.link.platform import link_platform
    from torchlink.link.requires import link_requires
    from torchlink.link.silence import ignore, silence
    from torchlink.read.configuration import read_configuration
    from torchlink.rules.behaviour import behaviour_rules, rule_codes

    environment, natives, sources = subject.environment, subject.natives, subject.sources
    owners = Owners(environment, "" if project is None else str(project.root))
    loader = NativeLinker(environment, subject.files, natives, owners=owners, library_path=_library_path(os.environ))
    tell("following imports", 0, 0)
    sources.parse_ahead(lambda parse: files_ahead(environment, sources, project, parse))
    try:
        imports, reach, variables = link_imports(
            environment, sources, loader, owners=owners, project=project, variables=os.environ
        )
    finally:
        sources.stop()
    tell("linking native libraries", 0, 0)
    tell("applying behaviour rules", 0, 0)
    behaviours, files = _behaviours(subject, project, reach, owners, imports)
    linked = [
        imports,
        behaviours,
        loader.links(reach, () if project is None else bridge_calls(project, sources, owners)),
        link_requires(environment),
        link_platform(environment),
        *_pins(project, environment, store, tell),
        *_gpus(subject, project, machine, store),
        *_shadows(environment, project, reach),
    ]
    links, ignored = ignore(linked, _ignores(project, owners))
    names = {name: one.name for one in environment.distributions for name in one.top_level}
    checkpoints = _checkpoints(project, environment, sources, owners, tell) if subject.installed else []
    found = (*group(links, owners=names), *(finding for one in checkpoints for finding in one.findings))
    findings = _with_certainty(sorted(found, key=lambda finding: finding.severity.rank), subject)
    silences = read_configuration(project.root, rule_codes()).silences if project is not None else ()
    told, silenced = silence(findings, silences)
    kept, plans = with_fixes(told, behaviour_rules())
    silenced += len({identity_of(one) for one in ignored} - {finding.id for finding in findings})
    unknown = [
        *(one for link in links for one in link.undecided),
        *(item for one in checkpoints for item in one.undecided),
    ]
    undecided = tuple(sorted(unknown, key=lambda one: not one.reached))
    report = Report(
        torchlink=__version__,
        verdict=judge(kept, undecided),
        elapsed_s=0.0,
        target=_target(environment, project),
        findings=kept,
        plans=plans,
        coverage=Coverage(
            distributions=len(environment.distributions),
            modules=len(reach.modules),
            native_libraries=len(natives),
            references=sum(link.references for link in links),
            unknown=len(undecided),
        ),
        artifacts=tuple(artifact for one in checkpoints for artifact in one.artifacts),
        undecided=undecided,
        silenced=silenced,
    )
    return _Answer(report, variables | _rule_variables(), files)


def _behaviours(
    subject: Subject, project: Project | None, reach: Reach, owners: Owners, imports: Links
) -> tuple[Links, frozenset[str]]:
    """What the behaviour rules find, and the checkpoints that were looked at for it."""
    from torchlink.checkpoint.restricted import CheckpointFiles, UnreadCheckpoints, allowed_by_default
    from torchlink.link.behaviour import BehaviourInputs, link_behaviour
    from torchlink.read.uses import UseFiles
    from torchlink.rules.behaviour import behaviour_rules, saved_values

    environment = subject.environment
    # The modules that a checkpoint names are looked up on disk, where a set of wheels is not.
    checkpoints = CheckpointFiles(environment) if subject.installed else UnreadCheckpoints()
    links = link_behaviour(
        BehaviourInputs(
            environment=environment,
            project=project,
            reach=reach,
            owners=owners,
            reader=UseFiles(subject.read),
            checkpoints=checkpoints,
            rules=behaviour_rules(),
            saved=saved_values(),
            allowed=allowed_by_default(environment),
            variables=os.environ,
            told=frozenset(place for one in imports.broken for place in (*one.chain, *_artifacts(one))),
        )
    )
    return links, checkpoints.asked


def mend_source(project: Path, *, python: Path | None = None, apply: bool = False) -> Mending:
    """Rewrite what the behaviour rules can rewrite in a project's own source, and say what is left to choose.

    Args:
        project: a folder or file of source.
        python: the environment that it is meant for; by default the project's, or the active one.
        apply: whether the files are written; otherwise everything stays as it is.

    Raises:
        TorchlinkError: there is no such project or environment, libcst is missing, or a file cannot be written.
    """
    from torchlink.checkpoint.restricted import CheckpointFiles, allowed_by_default
    from torchlink.link.behaviour import BehaviourInputs
    from torchlink.link.owners import Owners
    from torchlink.link.source_edits import source_edits
    from torchlink.model.reach import Reach
    from torchlink.read.bounded import read_head
    from torchlink.read.comments import read_ignores
    from torchlink.read.environment import read_environment
    from torchlink.read.python_source import MAX_SOURCE_BYTES
    from torchlink.read.uses import UseFiles
    from torchlink.rules.behaviour import behaviour_rules, saved_values
    from torchlink.source.mend import carry_out, mend

    def read(path: str) -> bytes:
        return read_head(path, MAX_SOURCE_BYTES + 1)

    source = _read_project(project)
    environment = read_environment(find(project, python, os.environ), os.environ)[0]
    inputs = BehaviourInputs(
        environment=environment,
        project=source,
        reach=Reach(modules={}, libraries={}),
        owners=Owners(environment, str(source.root)),
        reader=UseFiles(read),
        checkpoints=CheckpointFiles(environment),
        rules=behaviour_rules(),
        saved=saved_values(),
        allowed=allowed_by_default(environment),
        variables=os.environ,
    )
    ignored = read_ignores(source, _codes())

    def judge(changed: Mapping[str, bytes]) -> tuple[tuple[SourceEdit, ...], tuple[Choice, ...]]:
        reader = UseFiles(lambda path: changed[path] if path in changed else read(path))
        return source_edits(replace(inputs, reader=reader), ignored.keys())

    mending = mend(source.root, judge, read)
    return carry_out(mending) if apply and mending.changes else mending


def _codes() -> frozenset[str]:
    """Everything that a comment may ignore."""
    from torchlink.model.reference import Kind
    from torchlink.rules.behaviour import rule_codes

    return frozenset(kind.value for kind in Kind) | rule_codes()


def _ignores(project: Project | None, owners: Owners) -> dict[str, Ignore]:
    """The project's comments that set findings aside, by place."""
    if project is None:
        return {}
    from torchlink.read.comments import read_ignores

    found = read_ignores(project, _codes())
    return {owners.place(path, line): one for (path, line), one in found.items()}


def _artifacts(broken: Broken) -> Iterator[str]:
    return (piece.artifact for piece in broken.evidence)


def _rule_variables() -> frozenset[str]:
    from torchlink.rules.behaviour import behaviour_rules

    return frozenset(name for rule in behaviour_rules() for name in rule.unless.environment)


def _checkpoints(
    project: Project | None, environment: Environment, sources: Sources, owners: Owners, tell: Progress
) -> list[Checked]:
    if project is None or not project.checkpoints:
        return []
    from torchlink.checkpoint.check import check_checkpoints
    from torchlink.link.loaded_files import loaded_files

    tell("reading checkpoints", 0, 0)
    return [check_checkpoints(project, environment, loaded_files(project, sources, owners))]


def _gpus(subject: Subject, project: Project | None, machine: Machine | None, store: ByteStore) -> list[Links]:
    """The code for GPUs against those of the machine, and the libraries that such code needs."""
    from torchlink.link.side_libraries import link_side_libraries

    environment = subject.environment
    links = [link_side_libraries(environment, subject.files, _library_path(os.environ))]
    torch = next((one for one in environment.distributions if one.name == "torch"), None)
    if torch is None or machine is None or not (machine.gpus or machine.nvidia_driver):
        return links
    from torchlink.link.kernels import TorchBuild, link_kernels
    from torchlink.read.gpu_build import device_code, gpu_uses, torch_versions

    versions = torch_versions(torch)
    build = TorchBuild(
        torch=torch,
        cuda=versions.get("cuda", ""),
        hip=versions.get("hip", ""),
        code=device_code(environment, subject.natives, store),
    )
    return [*links, link_kernels(environment, build, machine, () if project is None else gpu_uses(project))]


def _pins(project: Project | None, environment: Environment, store: ByteStore, tell: Progress) -> list[Links]:
    """What is wrong with the project's pins, as far as it is known without asking an index."""
    if project is None or not project.pinning:
        return []
    from torchlink.link.behaviour_builds import link_builds
    from torchlink.pins.check import link_known
    from torchlink.read.pins.survey import read_paths
    from torchlink.rules.behaviour import behaviour_rules

    tell("reading pins", 0, 0)
    paths = [PurePosixPath(path.relative_to(project.root).as_posix()) for path in project.pinning]
    survey = read_paths(project.root, paths)
    settings = "".join(_settings(project.root / name) for name in ("pyproject.toml", "uv.toml", "pip.conf"))
    builds = link_builds(survey, environment, behaviour_rules(), project.root.name, settings)
    return [link_known(survey, os.environ, store), builds]


def _settings(path: Path) -> str:
    from torchlink.read.bounded import read_head

    try:
        return read_head(str(path), _LARGEST_SETTINGS).decode("utf-8", "replace")
    except UnreadableError:
        return ""


def _with_certainty(findings: list[Finding], subject: Subject) -> tuple[Finding, ...]:
    """Findings that rest on the wheel of a sibling build are inferred, not linked."""
    return tuple(
        replace(one, certainty=Certainty.INFERRED)
        if {one.needer.name, one.provider.name} & subject.inferred.keys()
        else one
        for one in findings
    )


def _shadows(environment: Environment, project: Project | None, reach: Reach) -> list[Links]:
    if project is None:
        return []
    from torchlink.link.shadows import link_shadows

    reached: dict[str, tuple[str, ...]] = {}
    for name, chain in reach.modules.items():
        reached.setdefault(name.partition(".")[0], chain)
    beside = [path for path in project.sources if path.parent == project.root]
    packages = [path.parent for path in project.sources if path.name == "__init__.py"]
    return [link_shadows(environment, [*beside, *(path for path in packages if path.parent == project.root)], reached)]


def _target(environment: Environment, project: Project | None) -> Target:
    interpreter = environment.interpreter
    return Target(
        kind="environment",
        path=environment.prefix,
        project="" if project is None else str(project.root),
        python=interpreter.version,
        platform=interpreter.platform,
        note=interpreter.note,
    )


def _library_path(variables: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(folder for folder in variables.get("LD_LIBRARY_PATH", "").split(":") if folder)


# What is remembered between runs


def report_key(surveyed: Survey, project: Project | None, machine: Machine) -> str:
    """A digest of everything that an answer depends on, but for what `remembered` holds against the present itself."""
    return _digest(f"{surveyed.digest()}\0{machine!r}", project)


def _digest(environment: str, project: Project | None) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    hasher.update(f"{sys.version_info[:2]}\0{environment}\0{os.environ.get('LD_LIBRARY_PATH', '')}".encode())
    hasher.update(_stamp(Path("/etc/ld.so.cache")).encode())
    if project is not None:
        hasher.update(f"\0{project.root}".encode())
        for path in (*project.sources, *_files_of(project.checkpoints), *project.pinning):
            hasher.update(f"\0{path}\0{_stamp(path)}".encode("utf-8", "surrogateescape"))
    return hasher.hexdigest()


def _files_of(checkpoints: tuple[Path, ...]) -> Iterator[Path]:
    """Checkpoint files as they are; of a model's folder its configurations and indexes."""
    for path in checkpoints:
        yield from sorted(path.glob("*.json")) if path.is_dir() else (path,)


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"


def remembered(store: ByteStore, key: str) -> Report | None:
    """The report that was kept under a key, where the variables and files that it depends on are as they were."""
    value = store.get("report", key)
    if value is None:
        return None
    try:
        kept = json.loads(value)
        variables = kept["variables"]
        if any(os.environ.get(name) != text for name, text in variables.items()):
            return None
        if any(_stamp(Path(name)) != stamp for name, stamp in kept["files"].items()):
            return None
        return report_json.load(kept["report"])
    except (ValueError, KeyError, TypeError, AttributeError, TorchlinkError):
        return None


def _remember(store: ByteStore, key: str, answer: _Answer) -> None:
    kept = {
        "variables": {name: os.environ.get(name) for name in sorted(answer.variables)},
        "files": {name: _stamp(Path(name)) for name in sorted(answer.files)},
        "report": report_json.dump(answer.report),
    }
    store.put("report", key, json.dumps(kept).encode())


# How the work is run


@contextmanager
def _without_collector() -> Iterator[None]:
    """Linking makes many objects and drops few before its end: to collect cycles meanwhile is a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _in_deep_thread(work: Callable[[], _Answer]) -> _Answer:
    """Run in a thread with a deep stack; the caller can still be interrupted."""
    answers: list[_Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
            errors.append(error)

    limit = sys.getrecursionlimit()
    size = threading.stack_size(STACK_BYTES)
    sys.setrecursionlimit(max(limit, RECURSION_LIMIT))
    try:
        thread = threading.Thread(target=run, name="torchlink-link", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.2)
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    if errors:
        raise errors[0]
    return answers[0]
