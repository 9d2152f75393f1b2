"""Preflight: a yes or no for a program's first lines, from what an earlier run has kept.

A whole check stamps every file of an environment. This looks only at what an installer cannot leave as it is: what
lies in the folders of the search path, each distribution's RECORD, the project's files and folders, the GPU's driver.
A file that was edited by hand inside a package is not seen; ``torchlink check`` sees it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from torchlink import __version__
from torchlink.catalog.cache import cache_folder, open_cache
from torchlink.model.errors import TorchlinkError
from torchlink.model.preflight import Preflight, PreflightError
from torchlink.model.report import Verdict
from torchlink.model.store import ByteStore
from torchlink.read.environment import find, stations
from torchlink.read.stamp import stamp

if TYPE_CHECKING:
    from torchlink.model.report import Report

POLICIES = ("break", "risk", "unknown")
_KIND = "preflight"
_SYSTEM = (Path("/proc/driver/nvidia/version"), Path("/sys/module/amdgpu/version"), Path("/etc/ld.so.cache"))
_MOST_FILES = 20_000
"""A project with more is read anew each time."""


def preflight(
    project: str | os.PathLike[str] | None = None,
    *,
    python: str | os.PathLike[str] | None = None,
    policy: str = "break",
    cache: bool = True,
) -> Preflight:
    """Say whether the running program's environment is sound, for an application's first lines. Imports nothing of it.

    Args:
        project: a folder or file of source: what it reaches is judged. Without it, every installed package is.
        python: the interpreter; by default the one that runs this.
        policy: what is fatal: ``break``, ``risk`` or ``unknown``.
        cache: whether to use and keep what was read.

    Raises:
        PreflightError: something is fatal. Nothing else is raised: where torchlink cannot look, the answer says so.
        ValueError: there is no such policy.
    """
    answer = examine(
        None if project is None else Path(project),
        Path(python or sys.executable),
        policy=policy,
        cache=cache,
    )
    if not answer.ok:
        raise PreflightError(answer)
    return answer


def examine(project: Path | None, python: Path | None, *, policy: str, cache: bool = True) -> Preflight:
    """As `preflight`, for the environment that ``python`` or the project names; a fatal answer is returned.

    Raises:
        ValueError: there is no such policy.
    """
    if policy not in POLICIES:
        raise ValueError(f"{policy!r} is none of {', '.join(POLICIES)}")
    began = time.perf_counter()
    try:
        report = _report(project, python, cache)
    except Exception as error:  # noqa: BLE001 - a program must not die because torchlink cannot look
        return _answer(None, policy, began, note=f"{type(error).__name__}: {error}")
    return _answer(report, policy, began)


def _answer(report: Report | None, policy: str, began: float, note: str = "") -> Preflight:
    from torchlink.apply.pending import interrupted

    bar = ("break",) if policy == "break" else ("break", "risk")
    fatal = () if report is None else tuple(one for one in report.findings if one.severity.value in bar)
    return Preflight(
        policy=policy,
        verdict=Verdict.UNDECIDED if report is None else report.verdict,
        fatal=fatal,
        unknown=0 if report is None else sum(one.reached for one in report.undecided),
        interrupted=tuple(interrupted(os.environ)),
        elapsed_s=round(time.perf_counter() - began, 3),
        note=note,
    )


def _report(project: Path | None, python: Path | None, cache: bool) -> Report:
    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    try:
        target = find(project, python, os.environ)
        key = _quick_key(target, project, store)
        report = _kept(store, key)
        if report is None:
            report = _whole(project, target, key, store, cache)
        return report
    finally:
        store.close()


def _whole(project: Path | None, target: Path, key: str, store: ByteStore, cache: bool) -> Report:
    """Check everything, and keep under the quick key where the answer is found."""
    from torchlink import pipeline
    from torchlink.read.environment import survey
    from torchlink.read.project import read_project

    report = pipeline.check(project, python=target, cache=cache)
    source = None if project is None else read_project(project)
    kept: dict[str, object] = {
        "report": pipeline.report_key(survey(target, os.environ, store), source, pipeline.this_machine(os.environ)),
        "stamps": {},
    }
    if source is not None:
        files = {*source.sources, *source.checkpoints, *source.pinning, *_folders(source.root, source.sources)}
        if len(files) > _MOST_FILES:
            return report
        kept["stamps"] = {str(path): stamp(path) for path in files}
    store.put(_KIND, key, json.dumps(kept).encode())
    return report


def _folders(root: Path, files: Iterable[Path]) -> set[Path]:
    """The folders of a project's sources: one that gains a file has a new time."""
    return {root, *(path.parent for path in files)}


def _kept(store: ByteStore, key: str) -> Report | None:
    value = store.get(_KIND, key)
    if value is None:
        return None
    with suppress(ValueError, KeyError, TypeError, AttributeError, TorchlinkError):
        kept = json.loads(value)
        if all(stamp(Path(name)) == before for name, before in kept["stamps"].items()):
            from torchlink import pipeline

            return pipeline.remembered(store, kept["report"])
    return None


def _quick_key(target: Path, project: Path | None, store: ByteStore) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    root = "" if project is None else str(project.absolute())
    hasher.update(f"{target}\0{root}\0{os.environ.get('LD_LIBRARY_PATH', '')}".encode("utf-8", "surrogateescape"))
    for line in (*_stations(target, os.environ, store), *_system()):
        hasher.update(f"\0{line}".encode("utf-8", "surrogateescape"))
    return hasher.hexdigest()


def _stations(target: Path, variables: Mapping[str, str], store: ByteStore) -> Iterator[str]:
    """Every folder of the search path, what lies in it, and each distribution's RECORD."""
    for folder in stations(target, variables, store):
        yield folder
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if entry.name.endswith(".dist-info"):
                    yield f"{entry.name}={stamp(Path(entry.path, 'RECORD'))}"
                elif entry.is_dir():
                    yield "" if entry.name == "__pycache__" else entry.name  # byte code changes a folder's time
                else:
                    status = entry.stat()
                    yield f"{entry.name}={status.st_size}:{status.st_mtime_ns}"


def _system() -> Iterator[str]:
    """What tells one machine's GPUs and drivers from another's without asking the driver."""
    for path in _SYSTEM:
        yield stamp(path)
    with suppress(OSError):
        yield from sorted(name.name for name in os.scandir("/dev") if name.name.startswith(("nvidia", "kfd")))
    with suppress(OSError):
        yield _SYSTEM[0].read_text(encoding="utf-8", errors="replace")
