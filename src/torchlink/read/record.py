"""Which files on disk belong to an installed distribution, by its RECORD."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from torchlink.read.editable import is_editable_machinery
from torchlink.read.tree import Tree
from torchlink.read.walk import FileStamp, is_native_name

_MODULE_SUFFIXES = (".py", ".pyi", ".so", ".pyd")
_SCHEME_FOLDERS = frozenset({"bin", "scripts", "share", "etc", "include", "man", "lib", "data", "local"})
"""Where a wheel's ``.data`` goes: outside site-packages, and with ``pip install --target`` outside the prefix too."""


@dataclass(slots=True)
class Owned:
    """What a RECORD names: the files that exist, the importable top-level names, and what is wrong with it."""

    files: list[str] = field(default_factory=list)
    top_level: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Modules and native libraries that RECORD names and that do not exist (relative, test folders left out)."""
    outside: list[str] = field(default_factory=list)
    """Entries that lead out of the environment; they are ignored."""


@dataclass(slots=True)
class _Folder:
    path: str
    files: Mapping[str, FileStamp]
    top: str
    """The top-level name that a module in it belongs to; empty in site-packages itself and where it is none."""


def owned_files(record: Iterable[str], root: str, anchors: tuple[str, ...], tree: Tree) -> Owned:
    """Resolve RECORD's paths below ``root``; ``anchors`` are the folders that they may lie in."""
    owned = Owned()
    folders: dict[str, _Folder | None] = {}
    tops: dict[str, None] = {}
    files = owned.files
    for entry in record:
        if entry.endswith(".pyc"):
            continue
        relative, _, name = entry.rpartition("/")
        if relative in folders:
            folder = folders[relative]
        else:
            folder = folders[relative] = _resolve(relative, entry, root, anchors, tree)
            if folder is None and not _is_scheme_path(entry):
                owned.outside.append(entry)
        if folder is None:
            continue
        if name in folder.files:
            files.append(f"{folder.path}{os.sep}{name}")
            if name.endswith(_MODULE_SUFFIXES) or ".so." in name:
                tops[folder.top or _module_name(name, relative)] = None
        elif name.endswith((".py", ".so", ".pyd")) and "test" not in relative:
            owned.missing.append(entry)
    tops.pop("", None)
    owned.top_level.extend(sorted(tops))
    return owned


def _resolve(relative: str, entry: str, root: str, anchors: tuple[str, ...], tree: Tree) -> _Folder | None:
    if ".." in relative or entry.startswith("/") or "\\" in entry or ":" in relative or "\0" in entry:
        path = os.path.normpath(f"{root}/{relative}" if not relative.startswith("/") else relative or "/")
        if "\0" in path or not any(path == anchor or path.startswith(anchor + os.sep) for anchor in anchors):
            return None
    else:
        path = f"{root}{os.sep}{relative.replace('/', os.sep)}" if relative else root
    return _Folder(path, tree.files(path), _top(relative))


def _top(relative: str) -> str:
    first = relative.partition("/")[0]
    return first if first.isidentifier() else ""


def _module_name(name: str, relative: str) -> str:
    """The module that a file in site-packages itself is."""
    stem = name.partition(".")[0]
    if relative or not stem.isidentifier() or is_editable_machinery(stem):
        return ""
    return "" if is_native_name(name) and stem.startswith("lib") else stem


def _is_scheme_path(entry: str) -> bool:
    """``../../../bin/x``: a script or data file of a wheel."""
    parts = [part for part in entry.replace("\\", "/").split("/") if part not in {"", ".."}]
    return len(parts) > 1 and parts[0].lower() in _SCHEME_FOLDERS and not entry.startswith("/") and ".." in entry
