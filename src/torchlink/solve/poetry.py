"""What poetry's own tables require, in a wish that uv understands: it does not read those tables without a build."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.specifiers import SpecifierSet

from torchlink.model.names import normalise
from torchlink.read.poetry import PoetryDependency, PoetryProject, read_poetry
from torchlink.solve.declared import MAX_DEPTH, Choice, declared
from torchlink.solve.uv import Resolved, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A wish that uv can be asked, and what it is not told of the files."""

    wish: Wish
    notes: tuple[str, ...] = ()


def with_poetry(wish: Wish, choice: Choice, python: str) -> Told:
    """A wish with the requirements of poetry's tables as lines, in place of files that say nothing else.

    Args:
        wish: with the same extras and groups as ``choice``.
        choice: what of the files counts.
        python: the version that is judged.

    Raises:
        UnreadableError: poetry's tables have no such extra or group.
    """
    found = [(path, project) for path in wish.files if (project := read_poetry(path)) is not None]
    if not found:
        return Told(wish=wish)
    theirs = {one for _, project in found for one in project.groups - project.own_groups}
    files = tuple(path for path in wish.files if path not in {path for path, project in found if project.is_main})
    lines = [str(one.requirement) for one in declared([path for path, _ in found], choice=choice)]
    told = [(path, one) for path, _ in found for one in _told(path, choice, 0)]
    known = [
        Resolved(name=normalise(one.name), version="", url=one.address) for _, one in told if not choice.can_tell(one)
    ]
    notes = [note for _, project in found if (note := _python_note(project, python))]
    notes += [
        f"{project.file.name}: the source {name!r} is not asked" for _, project in found for name in project.sources
    ]
    notes += [f"{one.name} ({path.name}:{one.line}): {one.unsaid}" for path, one in told if one.unsaid]
    return Told(
        wish=replace(
            wish,
            lines=tuple(dict.fromkeys((*wish.lines, *lines))),
            files=files,
            extras=wish.extras if files else (),
            groups=tuple(one for one in wish.groups if files and normalise(one) not in theirs),
            known=tuple(dict.fromkeys(known)),
            builds={normalise(one.name): one.build for _, one in told if one.build},
        ),
        notes=tuple(notes),
    )


def _told(path: Path, choice: Choice, depth: int) -> Iterator[PoetryDependency]:
    """What poetry's tables of a file ask for, and of the folders that they name."""
    project = read_poetry(path)
    for one in () if project is None else project.chosen(choice.extras, choice.groups):
        yield one
        if one.folder is not None and depth < MAX_DEPTH:
            yield from _told(one.folder / "pyproject.toml", choice.of_folder(), depth + 1)


def _python_note(project: PoetryProject, version: str) -> str:
    """That a project is for other Pythons than the one that it is judged for; empty where it is not."""
    if not project.python or SpecifierSet(project.python).contains(version, prereleases=True):
        return ""
    return f"{project.file.name} asks for Python {project.python}, and {version} is judged"
