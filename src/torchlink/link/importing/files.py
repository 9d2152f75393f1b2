"""Paths, and what lies behind them: computed from folder listings."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath, PurePosixPath

from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import UNKNOWN, ForeignObject, Intrinsic, Value, is_text

Path = PurePath
MAX_FOLDERS = 5_000
"""A tree of more folders is not listed."""
Call = Callable[[Machine, Sequence[Value], dict[str, Value]], Value]


def is_file(machine: Machine, path: str) -> bool:
    """Whether a file lies there."""
    folder, _, name = path.rpartition("/")
    return name in machine.sources.files(folder)


def is_folder(machine: Machine, path: str) -> bool:
    """Whether a folder lies there."""
    folder, _, name = path.rstrip("/").rpartition("/")
    return name in machine.sources.folders(folder)


def _text(value: Value) -> str | None:
    if isinstance(value, PurePath):
        return str(value)
    return value if is_text(value) else None


def _on_text(function: Callable[..., object]) -> Call:
    def computed(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        texts = [_text(argument) for argument in arguments]
        return UNKNOWN if None in texts or not texts else function(*texts)

    return computed


def _looked_up(look: Callable[[Machine, str], object]) -> Call:
    def computed(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        text = _text(arguments[0]) if arguments else None
        if text is None or not text.startswith("/"):
            return UNKNOWN
        return look(machine, posixpath.normpath(text))

    return computed


def _exists(machine: Machine, path: str) -> bool:
    return is_file(machine, path) or is_folder(machine, path)


def _listing(machine: Machine, path: str) -> list[Value]:
    return sorted(machine.sources.files(path) | machine.sources.folders(path))  # type: ignore[return-value]


def _path(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    texts = [_text(argument) for argument in arguments]
    return UNKNOWN if None in texts else PurePosixPath(*[text for text in texts if text is not None])


def _entries(machine: Machine, path: str) -> list[Value]:
    found: list[Value] = [ForeignObject("entry", (path, name, True)) for name in sorted(machine.sources.files(path))]
    found += [ForeignObject("entry", (path, name, False)) for name in sorted(machine.sources.folders(path))]
    return found


def entry_attribute(data: tuple[Value, ...], name: str) -> Value:
    """An attribute of an entry of ``os.scandir``."""
    folder, own, is_file_ = data
    if name == "name":
        return own
    if name == "path":
        return f"{folder}/{own}"
    if name in ("is_file", "is_dir"):
        return Intrinsic(name, lambda machine, arguments, keywords: is_file_ is (name == "is_file"))
    return UNKNOWN


FUNCTIONS: dict[str, Call] = {
    "os.path.join": _on_text(posixpath.join),
    "os.path.dirname": _on_text(posixpath.dirname),
    "os.path.basename": _on_text(posixpath.basename),
    "os.path.splitext": _on_text(posixpath.splitext),
    "os.path.normpath": _on_text(posixpath.normpath),
    "os.path.abspath": _looked_up(lambda machine, path: path),
    "os.path.realpath": _looked_up(lambda machine, path: path),
    "os.path.exists": _looked_up(_exists),
    "os.path.isfile": _looked_up(is_file),
    "os.path.isdir": _looked_up(is_folder),
    "os.listdir": _looked_up(_listing),
    "os.scandir": _looked_up(_entries),
    "os.path.relpath": _on_text(posixpath.relpath),
    "os.fspath": _on_text(str),
    "pathlib.Path": _path,
    "pathlib.PurePath": _path,
}


def path_method(owner: Value, name: str) -> Value:
    """A method of a path that looks at the file system, or returns the same path."""
    if not isinstance(owner, PurePath):
        return UNKNOWN
    if name in ("resolve", "absolute", "expanduser"):
        return Intrinsic(name, lambda machine, arguments, keywords: owner)
    looks: dict[str, Callable[[Machine, str], object]] = {
        "exists": _exists,
        "is_file": is_file,
        "is_dir": is_folder,
        "iterdir": lambda machine, path: [owner / str(item) for item in _listing(machine, path)],
    }
    look = looks.get(name)
    if look is not None:
        return Intrinsic(name, lambda machine, arguments, keywords: look(machine, str(owner)))
    if name == "glob":
        return Intrinsic(name, lambda machine, arguments, keywords: _glob(machine, (str(owner),), arguments[0]))
    if name == "rglob":
        return Intrinsic(name, lambda machine, arguments, keywords: _rglob(machine, str(owner), arguments[0]))
    return UNKNOWN


def _glob(machine: Machine, folders: Iterable[str], pattern: Value) -> Value:
    if not is_text(pattern) or "/" in pattern or "**" in pattern:
        return UNKNOWN
    return [
        PurePosixPath(folder, name)
        for folder in folders
        for name in fnmatch.filter(sorted(machine.sources.files(folder)), pattern)
    ]


def _rglob(machine: Machine, top: str, pattern: Value) -> Value:
    folders = [top]
    for folder in folders:
        folders.extend(f"{folder}/{name}" for name in sorted(machine.sources.folders(folder)))
        if len(folders) > MAX_FOLDERS:
            return UNKNOWN
    return _glob(machine, folders, pattern)
