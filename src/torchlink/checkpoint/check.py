"""The checkpoints of a project: do they load in its environment, and are they safe?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torchlink.checkpoint.findings import (
    device_findings,
    findings_of,
    folder_artifact,
    folder_findings,
    inspect_artifact,
    load_findings,
    refusal_findings,
    unreadable_findings,
)
from torchlink.checkpoint.inspect import inspect
from torchlink.checkpoint.installed import Installed
from torchlink.checkpoint.judge import Safety
from torchlink.checkpoint.model_folder import read_model_folder
from torchlink.checkpoint.reader import ForeignError
from torchlink.checkpoint.scan import Scanned
from torchlink.link.loaded_files import Loads
from torchlink.model.environment import Environment, Project
from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Finding
from torchlink.model.reference import Kind, Severity, Undecided
from torchlink.model.report import Artifact
from torchlink.read.gpu_build import is_without_gpus

MOST_FILES = 200
"""More are counted as undecided: a folder of experiments must not hold up the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found in a project's checkpoints."""

    findings: tuple[Finding, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    undecided: tuple[Undecided, ...] = ()


def check_checkpoints(project: Project, environment: Environment, loads: Mapping[Path, Loads]) -> Checked:
    """Look into every checkpoint of a project, those that its source loads first.

    Args:
        project: Its files; classes may come from its own modules too.
        environment: Where they are to be loaded.
        loads: How the project's source loads which file: one that is loaded and cannot be is a ``break``, any other a
            ``risk``.
    """
    ordered = sorted(project.checkpoints, key=lambda path: path not in loads)
    torch = environment.distribution("torch")
    look = _Look(
        project.root,
        environment,
        Installed(environment, before=(project.root,)),
        no_gpus=torch is not None and is_without_gpus(torch),
    )
    parts = [look.at(path, loads.get(path, Loads())) for path in ordered[:MOST_FILES]]
    parts.extend(Checked(undecided=(look.left(path, "too many checkpoints"),)) for path in ordered[MOST_FILES:])
    return Checked(
        findings=tuple(finding for part in parts for finding in part.findings),
        artifacts=tuple(artifact for part in parts for artifact in part.artifacts),
        undecided=tuple(undecided for part in parts for undecided in part.undecided),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    root: Path
    environment: Environment
    installed: Installed
    no_gpus: bool
    """Whether torch was built for the CPU alone."""

    def at(self, path: Path, loads: Loads) -> Checked:
        """What is to be said of one file or folder, which the source loads so."""
        places = loads.places
        try:
            return self._folder(path, places) if path.is_dir() else self._file(path, loads)
        except ForeignError as error:
            # Its name alone promised a checkpoint.
            return self._unreadable(path, error, places) if places else Checked()
        except TorchlinkError as error:
            return self._unreadable(path, error, places)

    def _file(self, path: Path, loads: Loads) -> Checked:
        places = loads.places
        inspection, load = inspect(path, self.environment, installed=self.installed)
        found = replace(inspection, path=self._shown(path))
        findings: list[Finding] = []
        if found.judgement.safety in (Safety.DANGEROUS, Safety.UNREADABLE):
            scanned = Scanned(path=found.path, format=found.format, size=found.size, judgement=found.judgement)
            findings.extend(_as_loaded(findings_of(scanned), places))
        if load is not None:
            findings.extend(_as_loaded(load_findings(found.path, load), places))
            if self.no_gpus and loads.to_saved_devices:
                findings.extend(_as_loaded(device_findings(found.path, load), loads.to_saved_devices))
            # Whether the call says weights_only is for the rule of that call to judge.
            findings.extend(replace(one, severity=Severity.NOTE) for one in refusal_findings(found.path, load))
        undecided = tuple(self.left(path, reason, bool(places)) for reason in (load.undecided if load else ())[:1])
        return Checked(findings=tuple(findings), artifacts=(inspect_artifact(found, load),), undecided=undecided)

    def _folder(self, path: Path, places: tuple[str, ...]) -> Checked:
        found = replace(read_model_folder(path, self.environment, self.installed), path=self._shown(path))
        # transformers finds a model's class by its type as well, so that a class that is missing need not be fatal.
        findings = tuple(
            replace(one, severity=Severity.RISK) if one.kind is Kind.GLOBAL else one
            for one in _as_loaded(folder_findings(found), places)
        )
        return Checked(findings=findings, artifacts=(folder_artifact(found),))

    def _unreadable(self, path: Path, error: TorchlinkError, places: tuple[str, ...]) -> Checked:
        return Checked(findings=tuple(_as_loaded(unreadable_findings(self._shown(path), error), places)))

    def left(self, path: Path, reason: str, reached: bool = False) -> Undecided:
        """A file that is not decided, and why."""
        return Undecided(kind=Kind.GLOBAL, artifact=self._shown(path), reason=reason, reached=reached)

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() or "."


def _as_loaded(findings: Iterator[Finding], places: tuple[str, ...]) -> Iterator[Finding]:
    for finding in findings:
        # A class of the script that saved it may stand in the one that loads it.
        of_script = finding.provider.name in ("__main__", "__mp_main__")
        severity = Severity.BREAK if places and not of_script else Severity.RISK
        yield replace(finding, severity=severity, reached_from=places)
