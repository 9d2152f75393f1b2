"""Finds the environment that is asked about, and reads it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from torchlink.model.environment import Copies, Distribution, EditableFinder, Environment, PathEntry, PathOrigin
from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.store import ByteStore
from torchlink.read.bounded import is_folder
from torchlink.read.interpreter import ask
from torchlink.read.layout import Installation
from torchlink.read.search_path import SearchPath, search_path
from torchlink.read.tree import Tree
from torchlink.read.walk import Root

_INTERPRETERS = ("bin/python", "bin/python3", "python.exe", "Scripts/python.exe", "python3.exe")
_LOOSE = frozenset({PathOrigin.PYTHONPATH, PathOrigin.PTH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """An environment before its metadata is read: enough to know whether anything changed since the last time."""

    installation: Installation
    path: SearchPath
    tree: Tree

    def digest(self) -> str:
        """A digest of every file on the search path (the standard library by its interpreter's version alone)."""
        entries = "\0".join(f"{entry.origin.value}={entry.path}" for entry in self.path.entries)
        return f"{self.installation.interpreter.version}:{self.tree.digest()}:{entries}"


def find(project: Path | None, python: Path | None, variables: Mapping[str, str]) -> Path:
    """Return the target: an interpreter, or an environment's folder whose interpreter cannot be found.

    ``python`` (an interpreter or an environment folder) comes first, then the project's ``.venv``, then the active
    virtual or conda environment. Raises ``TorchlinkError`` that says where was looked.
    """
    if python is not None:
        return _given(python)
    looked: list[str] = []
    if project is not None:
        home = project if project.is_dir() else project.parent
        for folder in (home / ".venv", home / "venv"):
            if _is_environment(folder):
                return _given(folder)
        looked.append(str(home / ".venv"))
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        value = variables.get(variable, "")
        if value and Path(value).is_dir():
            return _given(Path(value))
        looked.append(f"${variable}")
    raise TorchlinkError(
        f"no Python environment found (looked at {', '.join(looked)})",
        mend="activate one, or give its interpreter or its folder with --python",
    )


def _is_environment(folder: Path) -> bool:
    marks = ("pyvenv.cfg", "conda-meta", *_INTERPRETERS)
    return any((folder / mark).exists() for mark in marks)


def _given(python: Path) -> Path:
    path = python.expanduser()
    path = path if path.is_absolute() else Path.cwd() / path
    if path.is_dir():
        for name in _INTERPRETERS:
            if (path / name).is_file():
                return path / name
        return path
    if not os.path.lexists(path):
        raise TorchlinkError(
            "no such file or folder", where=str(python), mend="give an interpreter or an environment's folder"
        )
    return path


def survey(
    target: Path,
    variables: Mapping[str, str],
    cache: ByteStore | None = None,
    walk: Callable[[Iterable[Root]], Tree] = Tree,
) -> Survey:
    """Ask the interpreter, build the search path and walk its folders; no metadata is read yet.

    ``target`` comes from ``find``, and ``walk`` is `Tree` or ``Tree.ahead``. Raises ``TorchlinkError`` where it is no
    Python environment.
    """
    installation = installation_of(target, variables, cache)
    path = search_path(installation.interpreter, installation.layout, variables, Path.cwd())
    return Survey(installation=installation, path=path, tree=walk(_roots(path)))


def stations(target: Path, variables: Mapping[str, str], cache: ByteStore | None = None) -> list[str]:
    """The folders of the search path but those of the standard library, and those of editable installs. None is
    walked.

    ``target`` comes from ``find``. Raises ``TorchlinkError`` where it is no Python environment.
    """
    installation = installation_of(target, variables, cache)
    path = search_path(installation.interpreter, installation.layout, variables, Path.cwd())
    folders = [entry.path for entry in path.entries if entry.origin is not PathOrigin.STDLIB]
    return folders + [place for finder in path.finders for _, place in finder.mapping if place]


def _roots(path: SearchPath) -> Iterator[Root]:
    """What is walked: every folder of the search path but the standard library, and what editable installs map to."""
    for entry in path.entries:
        if entry.origin is not PathOrigin.STDLIB:
            yield Root(entry.path, entry.origin in _LOOSE)
    for finder in path.finders:
        places = [place for _, place in finder.mapping] + [place for _, some in finder.namespaces for place in some]
        yield from (Root(place, loose=True) for place in places if is_folder(place))


def installation_of(target: Path, variables: Mapping[str, str], cache: ByteStore | None = None) -> Installation:
    """Ask the interpreter what it is and where its folders are; nothing is walked.

    ``target`` comes from ``find``. Raises ``TorchlinkError`` where it is no Python environment.
    """
    if target.is_dir():
        return _by_layout(target, _why_no_interpreter(target))
    try:
        return ask(target, variables, cache)
    except UnreadableError as error:
        prefix = target.parent.parent if target.parent.name in {"bin", "Scripts"} else target.parent
        try:
            return _by_layout(prefix, str(error))
        except UnreadableError:
            raise error from None


def _by_layout(prefix: Path, why: str) -> Installation:
    from torchlink.read.foreign import by_layout

    return by_layout(prefix, f"{why}; read by its layout")


def _why_no_interpreter(prefix: Path) -> str:
    for name in _INTERPRETERS:
        link = prefix / name
        if link.is_symlink():
            return f"its interpreter {name} is a link to {link.readlink()}, which does not exist here"
    return "it has no interpreter that could be asked"


def read_environment(
    target: Path, variables: Mapping[str, str], cache: ByteStore | None = None
) -> tuple[Environment, Tree]:
    """Read an environment: its interpreter, search path, distributions, and the files that lie there."""
    surveyed = survey(target, variables, cache)
    return environment_of(surveyed), surveyed.tree


def environment_of(surveyed: Survey) -> Environment:
    """Read the metadata of a surveyed environment."""
    from torchlink.read.conda import read_conda
    from torchlink.read.distributions import Place, read_distributions

    layout, path, tree = surveyed.installation.layout, surveyed.path, surveyed.tree
    place = Place(tree=tree, anchors=_anchors(surveyed), finders=path.finders)
    distributions, problems = read_distributions(path.entries, place)
    known = frozenset(distribution.name for distribution in distributions)
    distributions.extend(read_conda(layout.prefix, known, tree, problems))
    return Environment(
        prefix=layout.prefix,
        interpreter=surveyed.installation.interpreter,
        search_path=path.entries,
        distributions=tuple(distributions),
        finders=path.finders,
        copies=_copies(path.entries, path.finders, tree),
        unowned=_unowned(path.entries, distributions, tree),
        problems=(*path.problems, *problems, *tree.problems),
    )


def _anchors(surveyed: Survey) -> tuple[str, ...]:
    """The folders that a RECORD may name files in: the prefixes, and the one that each site-packages belongs to."""
    layout = surveyed.installation.layout
    above = (str(Path(entry.path).parent.parent.parent) for entry in surveyed.path.entries)
    folders = dict.fromkeys((layout.prefix, layout.base_prefix, *above))
    return tuple(folder for folder in folders if len(Path(folder).parts) > 1)


def _copies(entries: tuple[PathEntry, ...], finders: tuple[EditableFinder, ...], tree: Tree) -> tuple[Copies, ...]:
    from torchlink.read.modules import copies_on

    mapped = [place for finder in finders for place in finder.mapping if place[1]]
    return copies_on([entry.path for entry in entries], mapped, tree)


def _unowned(entries: tuple[PathEntry, ...], distributions: list[Distribution], tree: Tree) -> tuple[str, ...]:
    from torchlink.read.modules import unowned_modules

    sites = [entry.path for entry in entries if entry.origin in {PathOrigin.SITE, PathOrigin.USER_SITE}]
    return unowned_modules(sites, distributions, tree)
