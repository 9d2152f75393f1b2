"""What an environment holds: its distributions, and each file's size and time."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from torchlink.apply.journal import Entry
from torchlink.apply.moves import Moves
from torchlink.model.environment import Environment
from torchlink.model.errors import UnreadableError
from torchlink.model.names import normalise
from torchlink.read.bounded import read_bounded
from torchlink.read.metadata import parse_core_metadata, parse_record
from torchlink.report.document import Node

MAX_BYTES = 64 * 2**20
_METADATA = f".dist-info{os.sep}METADATA"

Stamp = tuple[int, int]
"""Size in bytes, and modification time in nanoseconds."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as it lies there."""

    stamp: Stamp
    owner: str
    """Its distribution; empty where none has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An environment at one moment."""

    taken: str
    """ISO 8601."""
    versions: Mapping[str, str]
    """Of each distribution, the one that Python finds first."""
    files: Mapping[str, File]
    """Relative to the prefix; byte code is left out."""


def take(environment: Environment) -> Snapshot:
    """Take a snapshot of an environment that was just read."""
    start = len(environment.prefix.rstrip(os.sep)) + 1
    owners = _owners(environment, start)
    files = {
        path: File(stamp, _owner(owners, path)) for root in _roots(environment) for path, stamp in _stamps(root, start)
    }
    return Snapshot(
        taken=datetime.now().astimezone().isoformat(timespec="seconds"),
        versions={one.name: one.version for one in reversed(environment.distributions)},
        files=files,
    )


def arriving(
    before: Snapshot, environment: Environment, changed: Collection[str], moves: Moves, staged: Path
) -> Snapshot:
    """What a change will leave: every version, and of the files those that come.

    Args:
        before: what it finds.
        environment: likewise.
        changed: names of the distributions that are replaced or removed.
        moves: what it moves.
        staged: the folder with the new files.

    Raises:
        UnreadableError: the metadata of a new distribution cannot be read.
    """
    start = len(environment.prefix.rstrip(os.sep)) + 1
    roots = tuple(root[start:] + os.sep for root in _roots(environment))
    versions = {name: version for name, version in before.versions.items() if name not in changed}
    owners: dict[str, str] = {}
    for folder in sorted({path.rpartition(os.sep)[0] for path in moves.into if path.endswith(_METADATA)}):
        core = parse_core_metadata(read_bounded(staged / folder / "METADATA", MAX_BYTES))
        name = normalise(core.name)
        versions[name] = core.version
        owners[folder] = name
        owners.update((path, name) for path in _recorded(staged, folder))
    files: dict[str, File] = {}
    for path in moves.into:
        if path.startswith(roots) and not path.endswith(".pyc"):
            status = os.lstat(f"{staged}{os.sep}{path}")
            files[path] = File((status.st_size, status.st_mtime_ns), _owner(owners, path))
    return Snapshot(taken=before.taken, versions=versions, files=files)


def left(before: Snapshot, arrived: Snapshot, moves: Moves, taken: str) -> Snapshot:
    """What a change left: what it found, without what it moved out, and what came."""
    gone = frozenset(moves.out)
    stayed = {path: file for path, file in before.files.items() if path not in gone}
    return Snapshot(taken=taken, versions=arrived.versions, files={**stayed, **arrived.files})


def _recorded(staged: Path, folder: str) -> Iterator[str]:
    """The files of a RECORD, relative to the prefix."""
    root = folder.rpartition(os.sep)[0]
    for path in parse_record(read_bounded(staged / folder / "RECORD", MAX_BYTES)):
        yield (
            os.path.normpath(f"{root}{os.sep}{path}") if ".." in path else f"{root}{os.sep}{path.replace('/', os.sep)}"
        )


def _owner(owners: Mapping[str, str], path: str) -> str:
    return owners.get(path) or owners.get(path.rpartition(os.sep)[0], "")


def _roots(environment: Environment) -> list[str]:
    """The environment's own folders of packages and programs, none of them inside another."""
    prefix = environment.prefix.rstrip(os.sep) + os.sep
    found = {entry.path for entry in environment.search_path if entry.path.startswith(prefix)}
    found |= {f"{prefix}bin", f"{prefix}Scripts"}
    found -= set(environment.interpreter.stdlib)
    return [root for root in sorted(found) if not any(root.startswith(other + os.sep) for other in found)]


def _owners(environment: Environment, start: int) -> dict[str, str]:
    """Whose each file is, and each folder of metadata."""
    owners: dict[str, str] = {}
    for one in reversed(environment.distributions):
        owners.update((path[start:], one.name) for path in one.files)
        owners[one.metadata_path[start:]] = one.name
    return owners


def _stamps(folder: str, start: int) -> Iterator[tuple[str, Stamp]]:
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name != "__pycache__":
                            waiting.append(entry.path)
                    else:
                        status = entry.stat(follow_symlinks=False)
                        yield entry.path[start:], (status.st_size, status.st_mtime_ns)
        except OSError:
            continue


def write_snapshot(entry: Entry, name: str, snapshot: Snapshot) -> None:
    """Keep a snapshot in the journal.

    Raises:
        OSError: it cannot be written.
    """
    folders: dict[str, dict[str, list[object]]] = {}
    for path, file in snapshot.files.items():
        folder, _, name_of_file = path.rpartition(os.sep)
        folders.setdefault(folder, {})[name_of_file] = [*file.stamp, file.owner]
    entry.write_packed(name, {"taken": snapshot.taken, "versions": dict(snapshot.versions), "folders": folders})


def read_snapshot(entry: Entry, name: str) -> Snapshot:
    """Read a snapshot back.

    Raises:
        UnreadableError: there is none, or it is damaged.
    """
    at = entry.read_packed(name)
    files: dict[str, File] = {}
    folders = at.node("folders")
    for folder in folders.members:
        for file, value in folders.node(folder).members.items():
            files[f"{folder}{os.sep}{file}" if folder else file] = _file(value, at)
    versions = at.node("versions")
    return Snapshot(
        taken=at.text("taken"), versions={name: versions.text(name) for name in versions.members}, files=files
    )


def _file(value: object, at: Node) -> File:
    match value:
        case [int() as size, int() as time, str() as owner]:
            return File((size, time), owner)
        case _:
            raise UnreadableError("the snapshot is damaged", where=at.where)
