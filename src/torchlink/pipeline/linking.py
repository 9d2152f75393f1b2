"""Read and link: an environment, and what a project reaches of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from torchlink import __version__
from torchlink.model.errors import UnreadableError
from torchlink.model.finding import Certainty
from torchlink.model.report import Coverage, Report, Target
from torchlink.model.store import ByteStore
from torchlink.pipeline import answers, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchlink.checkpoint.check import Checked
    from torchlink.link.owners import Owners
    from torchlink.model.configuration import Ignore
    from torchlink.model.environment import Environment, Project
    from torchlink.model.finding import Finding
    from torchlink.model.machine import Machine
    from torchlink.model.reach import Reach
    from torchlink.model.reference import Broken, Links
    from torchlink.model.source import Sources
    from torchlink.read.subject import Subject


_LARGEST_SETTINGS = 2**20
_LARGEST_MACHINE = 4 * 2**20


def read_project(path: Path) -> Project:
    """A project's own files."""
    from torchlink.read.project import read_project

    return read_project(path)


def this_machine(variables: Mapping[str, str]) -> Machine:
    """This machine: its GPUs, drivers and C libraries."""
    from torchlink.read.machine import read_machine

    return read_machine(variables)


def other_machine(path: Path) -> Machine:
    """A machine that a file of ``torchlink machine`` describes. Raises TorchlinkError where it cannot be read."""
    from torchlink.read.bounded import read_bounded
    from torchlink.report.machine import load

    return load(read_bounded(path, _LARGEST_MACHINE).decode("utf-8", "replace"), str(path))


def link(
    subject: Subject,
    project: Project | None,
    store: ByteStore,
    tell: running.Progress,
    machine: Machine | None = None,
    asked: frozenset[str] = frozenset(),
) -> answers.Answer:
    """Read what is reached, link it, and report.

    Args:
        subject: what is linked.
        project: whose source reaches it.
        store: remembers what was read.
        tell: told how far the work has come.
        machine: on which it runs, with its GPUs; ``None`` for a set of wheels.
        asked: the distributions that are imported where the project has no source; empty for all.
    """
    from torchlink.catalog.torch_exports import shipped_exports
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
    loader = NativeLinker(
        environment,
        subject.files,
        natives,
        owners=owners,
        library_path=_library_path(os.environ),
        torch_exports=shipped_exports,
    )
    tell("following imports", 0, 0)
    sources.parse_ahead(files_ahead(environment, sources, project, asked))
    try:
        imports, reach, variables = link_imports(
            environment, sources, loader, owners=owners, project=project, asked=asked, variables=os.environ
        )
    finally:
        sources.stop()
    tell("applying behaviour rules", 0, 0)
    behaviours, files = _behaviours(subject, project, reach, owners, imports, chosen=project is not None or bool(asked))
    sources.flush()
    tell("linking native libraries", 0, 0)
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
    return answers.Answer(report, variables | _rule_variables(), files, sources.settled and subject.is_settled())


def _behaviours(
    subject: Subject, project: Project | None, reach: Reach, owners: Owners, imports: Links, *, chosen: bool
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
            reader=UseFiles(subject.read, subject.sources),
            checkpoints=checkpoints,
            rules=behaviour_rules(),
            saved=saved_values(),
            allowed=allowed_by_default(environment),
            variables=os.environ,
            chosen=chosen,
            told=frozenset(place for one in imports.broken for place in (*one.chain, *_artifacts(one))),
        )
    )
    return links, checkpoints.asked


def codes() -> frozenset[str]:
    """Everything that a comment may ignore."""
    from torchlink.model.reference import Kind
    from torchlink.rules.behaviour import rule_codes

    return frozenset(kind.value for kind in Kind) | rule_codes()


def _ignores(project: Project | None, owners: Owners) -> dict[str, Ignore]:
    """The project's comments that set findings aside, by place."""
    if project is None:
        return {}
    from torchlink.read.comments import read_ignores

    found = read_ignores(project, codes())
    return {owners.place(path, line): one for (path, line), one in found.items()}


def _artifacts(broken: Broken) -> Iterator[str]:
    return (piece.artifact for piece in broken.evidence)


def _rule_variables() -> frozenset[str]:
    from torchlink.rules.behaviour import behaviour_rules

    return frozenset(name for rule in behaviour_rules() for name in rule.unless.environment)


def _checkpoints(
    project: Project | None, environment: Environment, sources: Sources, owners: Owners, tell: running.Progress
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


def _pins(project: Project | None, environment: Environment, store: ByteStore, tell: running.Progress) -> list[Links]:
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
