"""What is remembered between runs, and what an answer depends on."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torchlink.model.errors import TorchlinkError
from torchlink.model.report import Report
from torchlink.model.store import ByteStore
from torchlink.read.environment import Survey
from torchlink.read.stamp import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchlink.model.environment import Project
    from torchlink.model.machine import Machine


@dataclass(frozen=True, slots=True)
class Answer:
    """A report, and what it depends on beside the files that its key names."""

    report: Report
    variables: frozenset[str]
    """The environment variables that the answer depends on."""
    files: frozenset[str]
    """Checkpoints that it depends on, whether they are there or not."""
    settled: bool
    """Whether every file was read as it was listed: otherwise the answer is of no state that there ever was."""


def report_key(surveyed: Survey, project: Project | None, machine: Machine) -> str:
    """A digest of everything that an answer depends on, but for what `remembered` holds against the present itself."""
    return digest(f"{surveyed.digest()}\0{machine!r}", project)


def digest(environment: str, project: Project | None) -> str:
    """A digest of an environment, a project and the variables that linking depends on."""
    hasher = hashlib.blake2b(digest_size=16)
    hasher.update(f"{sys.version_info[:2]}\0{environment}\0{os.environ.get('LD_LIBRARY_PATH', '')}".encode())
    hasher.update(stamp(Path("/etc/ld.so.cache")).encode())
    if project is not None:
        hasher.update(f"\0{project.root}".encode())
        for path in (*project.sources, *_files_of(project.checkpoints), *project.pinning):
            hasher.update(f"\0{path}\0{stamp(path)}".encode("utf-8", "surrogateescape"))
    return hasher.hexdigest()


def _files_of(checkpoints: tuple[Path, ...]) -> Iterator[Path]:
    """Checkpoint files as they are; of a model's folder its configurations and indexes."""
    for path in checkpoints:
        yield from sorted(path.glob("*.json")) if path.is_dir() else (path,)


def remembered(store: ByteStore, key: str) -> Report | None:
    """The report that was kept under a key, where the variables and files that it depends on are as they were."""
    from torchlink.report import json as report_json

    value = store.get("report", key)
    if value is None:
        return None
    try:
        kept = json.loads(value)
        variables = kept["variables"]
        if any(os.environ.get(name) != text for name, text in variables.items()):
            return None
        if any(stamp(Path(name)) != before for name, before in kept["files"].items()):
            return None
        return report_json.load(kept["report"])
    except (ValueError, KeyError, TypeError, AttributeError, TorchlinkError):
        return None


def remember(store: ByteStore, key: str, answer: Answer) -> None:
    """Keep an answer under its key, unless the environment was changed while it was read."""
    if not answer.settled:
        return
    from torchlink.report import json as report_json

    kept = {
        "variables": {name: os.environ.get(name) for name in sorted(answer.variables)},
        "files": {name: stamp(Path(name)) for name in sorted(answer.files)},
        "report": report_json.dump(answer.report),
    }
    store.put("report", key, json.dumps(kept).encode())
