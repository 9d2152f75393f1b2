"""What the user's own files require, each line with its place."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from torchlink.model.errors import UnreadableError
from torchlink.model.names import normalise
from torchlink.read.bounded import read_bounded

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 4 * 2**20
MAX_DEPTH = 8
_INCLUDED = re.compile(r"(?:-r|--requirement)[= ]\s*(\S+)")
_OPTION = re.compile(r"\s+--[\w-]+(?:[= ]\S+)?|\s+#.*$|\s*\\$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One requirement of the user's own."""

    requirement: Requirement
    file: str
    """As it was given; empty for one from the command line."""
    line: int
    """1-based; 0 where it stands in no line of its own."""

    @property
    def name(self) -> str:
        return normalise(self.requirement.name)

    @property
    def exact(self) -> bool:
        """Whether it allows one version alone."""
        return any(one.operator in {"==", "==="} and "*" not in one.version for one in self.requirement.specifier)

    def relaxed(self) -> str:
        """The requirement without its versions."""
        extras = f"[{','.join(sorted(self.requirement.extras))}]" if self.requirement.extras else ""
        marker = f" ; {self.requirement.marker}" if self.requirement.marker else ""
        return f"{self.requirement.name}{extras}{marker}"


def declared(files: Iterable[Path], lines: Iterable[str] = ()) -> tuple[Declared, ...]:
    """The requirements of requirements files, ``pyproject.toml`` and the command line; what is none is left out."""
    found = [one for file in files for one in _of_file(file, 0)]
    found += [one for line in lines if (one := _declared(line, "", 0)) is not None]
    return tuple(found)


def _of_file(path: Path, depth: int) -> Iterator[Declared]:
    try:
        text = read_bounded(path, MAX_BYTES).decode("utf-8-sig", "replace")
    except UnreadableError:
        return
    if path.suffix == ".toml":
        yield from _of_project(text, str(path))
        return
    for number, line in enumerate(text.splitlines(), 1):
        if (included := _INCLUDED.match(line.strip())) and depth < MAX_DEPTH:
            yield from _of_file(path.parent / included[1], depth + 1)
        elif (one := _declared(_OPTION.sub("", line), str(path), number)) is not None:
            yield one


def _of_project(text: str, file: str) -> Iterator[Declared]:
    try:
        project = tomllib.loads(text).get("project")
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    dependencies = project.get("dependencies") if isinstance(project, dict) else None
    rows = text.splitlines()
    for written in dependencies if isinstance(dependencies, list) else ():
        if isinstance(written, str):
            line = next((number for number, row in enumerate(rows, 1) if written in row), 0)
            if (one := _declared(written, file, line)) is not None:
                yield one


def _declared(text: str, file: str, line: int) -> Declared | None:
    if not text.strip() or text.lstrip().startswith(("#", "-")):
        return None
    try:
        return Declared(requirement=Requirement(text), file=file, line=line)
    except InvalidRequirement:
        return None
