"""``sys.path`` as the user's own run would have it, without running anything that ``site`` would run.

Source of the rules: CPython's ``Lib/site.py`` (3.7 to 3.14) and "The initialization of the sys.path module search path"
in its documentation.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torchlink.model.environment import EditableFinder, Interpreter, PathEntry, PathOrigin
from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import is_file, is_folder, read_bounded
from torchlink.read.editable import is_editable_machinery, read_finder
from torchlink.read.layout import Layout
from torchlink.read.startup_lines import path_edits, runs_code

_MAX_PTH = 4 * 1024 * 1024
_MAX_PTH_LINES = 20_000
_MAX_CUSTOMIZE = 1024 * 1024
_HARMLESS = re.compile(
    r"_virtualenv|_distutils_hack|coverage|pytest_cov|coloredlogs|pywin32_bootstrap|"
    r"module_from_spec|types\.ModuleType"  # namespace packages as setuptools once wrote them (*-nspkg.pth)
)
_CHANGES_PATH = re.compile(r"sys\.path\b|meta_path|path_hooks|addsitedir")
_FINDER_IMPORT = re.compile(r"^import\s+(\w+)\s*(?:;|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPath:
    """``sys.path``, the finders that editable installs add, and what could not be followed."""

    entries: tuple[PathEntry, ...]
    finders: tuple[EditableFinder, ...]
    problems: tuple[str, ...]


@dataclass(slots=True)
class _Building:
    entries: list[PathEntry] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    finders: list[EditableFinder] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, path: str, origin: PathOrigin) -> bool:
        """Append an entry that exists and is not there yet, as ``site`` does."""
        key = os.path.normcase(path)
        if key in self.known or not (is_folder(path) or is_file(path)):
            return False
        self.known.add(key)
        self.entries.append(PathEntry(path=path, origin=origin))
        return True


def search_path(interpreter: Interpreter, layout: Layout, variables: Mapping[str, str], cwd: Path) -> SearchPath:
    """Return the search path of a run with these environment variables, started in ``cwd``.

    The script's own folder is not part of it. ``.pth`` files are parsed, not run.
    """
    building = _Building()
    for entry in _pythonpath(variables):
        building.add(_absolute(str(cwd), entry), PathOrigin.PYTHONPATH)
    for folder in interpreter.stdlib:
        building.add(folder, PathOrigin.STDLIB)
    for folder, origin in _sites(layout, variables):
        if is_folder(folder):
            building.add(folder, origin)
            _follow_pth_files(folder, building)
    _note_customizations(building)
    return SearchPath(
        entries=tuple(building.entries), finders=tuple(building.finders), problems=tuple(building.problems)
    )


def _pythonpath(variables: Mapping[str, str]) -> list[str]:
    value = variables.get("PYTHONPATH", "")
    return value.split(os.pathsep) if value else []


def _sites(layout: Layout, variables: Mapping[str, str]) -> list[tuple[str, PathOrigin]]:
    user = [(layout.user_site, PathOrigin.USER_SITE)] if _user_site_enabled(layout, variables) else []
    own = [(folder, PathOrigin.SITE) for folder in layout.site_packages]
    if not layout.is_venv:
        return [*user, *own]
    base = [(folder, PathOrigin.SITE) for folder in layout.base_site_packages] if layout.system_site else []
    return [*own, *user, *base]


def _user_site_enabled(layout: Layout, variables: Mapping[str, str]) -> bool:
    return bool(layout.user_site) and layout.system_site and not variables.get("PYTHONNOUSERSITE")


def _absolute(base: str, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))  # noqa: PTH118 -- pathlib keeps no "..", site resolves them


def _follow_pth_files(site: str, building: _Building) -> None:
    try:
        names = sorted(entry.name for entry in os.scandir(site) if entry.name.endswith(".pth"))
    except OSError as error:
        building.problems.append(f"{site}: cannot be listed ({error.strerror})")
        return
    for name in names:
        if not name.startswith("."):
            _follow_pth(site, name, building)


def _follow_pth(site: str, name: str, building: _Building) -> None:
    path = f"{site}{os.sep}{name}"
    try:
        lines = _decode(read_bounded(path, _MAX_PTH)).splitlines()
    except UnreadableError as error:
        building.problems.append(str(error))
        return
    if len(lines) > _MAX_PTH_LINES:
        building.problems.append(f"{path}: more than {_MAX_PTH_LINES} lines; the rest is not followed")
    before = len(building.entries)
    for line in lines[:_MAX_PTH_LINES]:
        if line.startswith("#") or not line.strip():
            continue
        if runs_code(line):
            if "__egginsert" in line:
                _move_to_front(building, before)
            elif "sys.__plen" not in line:
                _judge_import_line(site, path, line, building)
        elif "\0" not in line:
            building.add(_absolute(site, line.rstrip()), PathOrigin.PTH)


def _move_to_front(building: _Building, start: int) -> None:
    """What easy-install.pth does with the eggs that it has just added."""
    added = building.entries[start:]
    del building.entries[start:]
    building.entries[:0] = added


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _judge_import_line(site: str, path: str, line: str, building: _Building) -> None:
    match = _FINDER_IMPORT.match(line)
    if match and is_editable_machinery(match[1]):
        finder_path = f"{site}{os.sep}{match[1]}.py"
        try:
            building.finders.append(read_finder(finder_path))
        except UnreadableError as error:
            building.problems.append(str(error))
    elif edits := path_edits(line, site):
        for edit in edits:
            if building.add(_absolute(site, edit.folder), PathOrigin.PTH) and edit.first:
                building.entries.insert(0, building.entries.pop())
    elif not _HARMLESS.search(line) or _CHANGES_PATH.search(line):
        building.problems.append(f"{path}: runs code at start-up that is not followed: {line.strip()[:120]}")


def _note_customizations(building: _Building) -> None:
    """``sitecustomize`` and ``usercustomize`` run at every start; say so where they touch what can be imported."""
    for module in ("sitecustomize", "usercustomize"):
        path = _first_file(f"{module}.py", (entry.path for entry in building.entries))
        if path is None:
            continue
        try:
            text = read_bounded(path, _MAX_CUSTOMIZE)
        except UnreadableError as error:
            building.problems.append(str(error))
            continue
        if re.search(rb"sys\.path|meta_path|path_hooks|addsitedir|sys\.modules", text):
            building.problems.append(f"{path}: changes the import system at start-up; its effect is not followed")


def _first_file(name: str, folders: Iterable[str]) -> str | None:
    for folder in folders:
        path = f"{folder}{os.sep}{name}"
        if is_file(path):
            return path
    return None
