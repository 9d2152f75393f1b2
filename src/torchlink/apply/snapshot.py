"""What an environment holds: its distributions, and each file's size and time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from torchlink.apply.journal import Entry
from torchlink.apply.moves import Moves
from torchlink.model.environment import Environment
from torchlink.model.errors import UnreadableError
from torchlink.report.document import Node

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
    return _now(environment, files)


def followed(before: Snapshot, environment: Environment, moves: Moves) -> Snapshot:
    """The snapshot of what a change left: of an environment that was just read, and without looking at each file again.

    Args:
        before: what the change found.
        environment: as the change left it.
        moves: what it moved.
    """
    prefix = environment.prefix.rstrip(os.sep) + os.sep
    owners = _owners(environment, len(prefix))
    roots = tuple(root + os.sep for root in _roots(environment))
    gone = frozenset(moves.out)
    files = {path: file for path, file in before.files.items() if path not in gone}
    for path in moves.into:
        if (prefix + path).startswith(roots) and not path.endswith(".pyc"):
            status = os.lstat(prefix + path)
            files[path] = File((status.st_size, status.st_mtime_ns), _owner(owners, path))
    return _now(environment, files)


def _now(environment: Environment, files: Mapping[str, File]) -> Snapshot:
    return Snapshot(
        taken=datetime.now().astimezone().isoformat(timespec="seconds"),
        versions={one.name: one.version for one in reversed(environment.distributions)},
        files=files,
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
