"""What the user's own files require, each line with its place."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from torchlink.model.errors import UnreadableError
from torchlink.model.names import normalise
from torchlink.read.bounded import read_bounded
from torchlink.read.poetry import PoetryDependency, read_poetry
from torchlink.read.project_table import project_lines

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 4 * 2**20
MAX_DEPTH = 8
_INCLUDED = re.compile(r"(?:-r|--requirement)[= ]\s*(\S+)")
_FOLDER = re.compile(
    r"(?:(?:-e|--editable)(?:=|\s+)|(?=\.{1,2}(?:[/\s\[]|$)|/))(?P<path>[^\s\[]+)(?:\[(?P<extras>[^\]]*)\])?(?:\s.*)?"
)
_OPTION = re.compile(r"\s+--[\w-]+(?:[= ]\S+)?|\s+#.*$|\s*\\$")


def needs_no_build(address: str) -> bool:
    """Whether what comes from an address is a wheel."""
    return address.partition("#")[0].endswith(".whl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which part of a project's requirements is meant."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    builds: bool = False
    """Whether uv may fetch and build what comes from an address and is no wheel."""

    def can_tell(self, one: PoetryDependency) -> bool:
        """Whether uv can be told of a requirement at all."""
        return not one.address or needs_no_build(one.address) or self.builds

    def of_folder(self) -> Choice:
        """The part of a folder that a project requires."""
        return Choice(builds=self.builds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One requirement of the user's own."""

    requirement: Requirement
    file: str
    """As it was given; empty for one from the command line."""
    line: int
    """1-based; 0 where it stands in no line of its own."""
    written: str = ""
    """As poetry writes it (``torch ^2.3``); empty where that is as PEP 508 does."""

    @property
    def name(self) -> str:
        return normalise(self.requirement.name)

    @property
    def exact(self) -> bool:
        """Whether it allows one version alone."""
        return any(one.operator in {"==", "==="} and "*" not in one.version for one in self.requirement.specifier)

    def holds(self, markers: Mapping[str, str]) -> bool:
        """Whether it counts where the markers have these values."""
        try:
            return self.requirement.marker is None or self.requirement.marker.evaluate({**markers, "extra": ""})
        except UndefinedEnvironmentName:
            return True

    def relaxed(self) -> str:
        """The requirement without its versions."""
        extras = f"[{','.join(sorted(self.requirement.extras))}]" if self.requirement.extras else ""
        marker = f" ; {self.requirement.marker}" if self.requirement.marker else ""
        return f"{self.requirement.name}{extras}{marker}"


def declared(files: Iterable[Path], lines: Iterable[str] = (), choice: Choice | None = None) -> tuple[Declared, ...]:
    """The requirements of requirements files, ``pyproject.toml`` and the command line; what is none is left out.

    Args:
        files: ``requirements.txt``, ``pyproject.toml``.
        lines: requirements.
        choice: which extras and groups of projects count; by default none.

    Raises:
        UnreadableError: poetry's tables have no such extra or group.
    """
    found = [one for file in files for one in _of_file(file, choice or Choice(), 0)]
    found += [one for line in lines if (one := _declared(line, "", 0)) is not None]
    return tuple(dict.fromkeys(found))


def folders(path: Path, depth: int = 0) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The projects that a requirements file installs from where they lie (``-e .[gpu]``), with their extras."""
    for _, line in _lines(path):
        if (included := _INCLUDED.match(line)) and depth < MAX_DEPTH:
            yield from folders(path.parent / included[1], depth + 1)
        elif (named := _FOLDER.fullmatch(line)) and (path.parent / named["path"]).is_dir():
            yield path.parent / named["path"], tuple(one.strip() for one in (named["extras"] or "").split(",") if one)


def says_what_it_requires(folder: Path) -> bool:
    """Whether a project's folder tells its requirements without a build: in ``[project]``, or in poetry's table."""
    path = folder / "pyproject.toml"
    project = _document(path).get("project")
    dynamic = project.get("dynamic") if isinstance(project, dict) else ["dependencies"]
    return "dependencies" not in (dynamic if isinstance(dynamic, list) else ()) or read_poetry(path) is not None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = read_bounded(path, MAX_BYTES).decode("utf-8-sig", "replace")
    except UnreadableError:
        return
    yield from ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))


def _of_file(path: Path, choice: Choice, depth: int) -> Iterator[Declared]:
    if path.suffix == ".toml":
        yield from _of_project(path, choice)
        yield from _of_poetry(path, choice, depth)
        return
    for number, line in _lines(path):
        if (included := _INCLUDED.match(line)) and depth < MAX_DEPTH:
            yield from _of_file(path.parent / included[1], choice, depth + 1)
        elif (one := _declared(_OPTION.sub("", line), str(path), number)) is not None:
            yield one
    if depth == 0:
        for folder, extras in folders(path):
            yield from _of_file(folder / "pyproject.toml", Choice(extras=extras, builds=choice.builds), 1)


def _of_project(path: Path, choice: Choice) -> Iterator[Declared]:
    document = _document(path)
    rows = [row for _, row in _lines(path)]
    for written in dict.fromkeys(project_lines(document, choice.extras, choice.groups)):
        line = next((number for number, row in enumerate(rows, 1) if written in row), 0)
        if (one := _declared(written, str(path), line)) is not None:
            yield one


def _document(path: Path) -> Mapping[str, object]:
    """A TOML file; empty where it is none."""
    try:
        found: Mapping[str, object] = tomllib.loads(read_bounded(path, MAX_BYTES).decode("utf-8-sig", "replace"))
    except (UnreadableError, tomllib.TOMLDecodeError, RecursionError):
        return {}
    return found


def _of_poetry(path: Path, choice: Choice, depth: int) -> Iterator[Declared]:
    project = read_poetry(path)
    for one in () if project is None else project.chosen(choice.extras, choice.groups):
        if choice.can_tell(one):
            said = _declared(one.requirement, str(path), one.line)
            if said is not None:
                yield replace(said, written=f"{one.name} {one.wanted}".strip())
        elif one.folder is not None and depth < MAX_DEPTH:
            yield from _of_file(one.folder / "pyproject.toml", choice.of_folder(), depth + 1)


def _declared(text: str, file: str, line: int) -> Declared | None:
    if not text.strip() or text.lstrip().startswith(("#", "-")):
        return None
    try:
        return Declared(requirement=Requirement(text), file=file, line=line)
    except InvalidRequirement:
        return None
