"""Which processes use an environment: those would run half old and half new code, and on Windows they lock its files.

They are found by what the system says of every process in ``/proc`` (see proc(5)): the executable, the program that was
started, its open files and what it has mapped. A process of another user shows none of that, and is not found.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_MOST_COMMAND = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A process that uses an environment."""

    pid: int
    command: str
    how: str
    """What shows it: ``runs``, ``has mapped`` or ``has open``, and a file."""


def users_of(prefix: Path, proc: Path = PROC) -> list[User]:
    """The processes that use an environment, but for this one and those that started it."""
    own = _ancestors(os.getpid(), proc)
    places = {f"{folder}{os.sep}" for folder in (str(prefix), os.path.realpath(prefix))}
    found: list[User] = []
    with suppress(OSError):
        for folder in proc.iterdir():
            if folder.name.isdecimal() and int(folder.name) not in own and (how := _use(folder, places)):
                found.append(User(pid=int(folder.name), command=_command(folder), how=how))
    return sorted(found, key=lambda one: one.pid)


def _ancestors(pid: int, proc: Path) -> set[int]:
    found: set[int] = set()
    while pid > 1 and pid not in found:
        found.add(pid)
        with suppress(OSError, ValueError, IndexError):
            pid = int((proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    return found


def _use(folder: Path, places: set[str]) -> str:
    for how, paths in (("runs", _programs(folder)), ("has mapped", _mapped(folder)), ("has open", _open(folder))):
        for path in paths:
            if any(path.startswith(place) for place in places):
                return f"{how} {path}"
    return ""


def _programs(folder: Path) -> Iterator[str]:
    """The executable, and the program by the name under which it was started: a venv's is a link to another one."""
    with suppress(OSError):
        yield str((folder / "exe").readlink())
    with suppress(OSError):
        first = _arguments(folder)[0]
        if os.sep in first:
            yield os.path.normpath((folder / "cwd").readlink() / first)


def _mapped(folder: Path) -> Iterator[str]:
    with suppress(OSError), (folder / "maps").open(errors="surrogateescape") as lines:
        for line in lines:
            _, slash, path = line.partition(" /")
            if slash:
                yield f"/{path.rstrip()}"


def _open(folder: Path) -> Iterator[str]:
    with suppress(OSError):
        for descriptor in (folder / "fd").iterdir():
            with suppress(OSError):
                yield str(descriptor.readlink())


def _arguments(folder: Path) -> list[str]:
    return (folder / "cmdline").read_bytes().decode("utf-8", "surrogateescape").split("\0")


def _command(folder: Path) -> str:
    with suppress(OSError):
        return " ".join(_arguments(folder)).strip()[:_MOST_COMMAND]
    return ""
