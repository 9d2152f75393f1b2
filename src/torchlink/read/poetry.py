"""What a ``pyproject.toml`` requires in poetry's own tables, told as an installer without poetry understands it.

Source: Poetry's "Dependency specification" and "Managing dependencies" (groups, extras), for Poetry 1.1 to 2.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torchlink.model.errors import UnreadableError
from torchlink.model.names import normalise
from torchlink.model.pins import Notation
from torchlink.read.bounded import read_bounded
from torchlink.read.pins.notations import specifier
from torchlink.read.pins.text import Document, decode
from torchlink.read.pins.toml import strings
from torchlink.read.poetry_markers import marker_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 4 * 2**20
MAIN = ""
"""The group of what is always installed."""
_OLD_GROUP = "dev"
_PYPI = "pypi"
_LOCAL = re.compile(r"(\d)\+[A-Za-z0-9.]+")
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoetryDependency:
    """One requirement of poetry's tables."""

    name: str
    """As it is written."""
    wanted: str
    """The range as it is written; empty for what comes from an address."""
    requirement: str
    """The same as PEP 508 writes it, as near as that can say it; of what comes from an address, ``name @ address``."""
    line: int
    """1-based."""
    group: str
    optional: bool
    address: str = ""
    """Where it comes from, where that is no index: ``git+https://...``, ``file:///...``."""
    folder: Path | None = None
    """The folder that it is, where it is one."""
    unsaid: str = ""
    """What ``requirement`` leaves out."""
    build: str = ""
    """The local build that is pinned (``2.5.1+cu124``). ``requirement`` says its public version: the build may be on an
    index that only poetry asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoetryProject:
    """What one ``pyproject.toml`` says in poetry's words."""

    file: Path
    dependencies: tuple[PoetryDependency, ...]
    groups: frozenset[str]
    extras: Mapping[str, frozenset[str]]
    """The names that each extra brings in, normalised."""
    is_main: bool
    """Whether what is always installed stands there, and not in ``[project]``."""
    python: str = ""
    """The Pythons that it is for, as PEP 440 writes it; empty where it does not say, or PEP 440 cannot."""
    sources: tuple[str, ...] = ()
    """The names of the indexes that poetry asks for every package."""
    own_groups: frozenset[str] = field(default_factory=frozenset)
    """The groups of PEP 735 beside poetry's."""

    def chosen(self, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> tuple[PoetryDependency, ...]:
        """What is installed with some extras and groups.

        Raises:
            UnreadableError: there is no such extra or group.
        """
        named = [normalise(one) for one in extras] if self.is_main else []
        taken = frozenset(map(normalise, groups)) - self.own_groups
        missing = [f"extra {one!r}" for one in named if one not in self.extras]
        missing += [f"group {one!r}" for one in sorted(taken - self.groups)]
        if missing:
            known = ", ".join(sorted({*self.extras, *self.groups, *self.own_groups})) or "none"
            raise UnreadableError(f"has no {missing[0]}", where=str(self.file), mend=f"it has {known}")
        brought = frozenset(name for one in named for name in self.extras[one])
        return tuple(one for one in self.dependencies if self._is_taken(one, taken, brought))

    def _is_taken(self, one: PoetryDependency, groups: frozenset[str], brought: frozenset[str]) -> bool:
        if one.group != MAIN:
            return one.group in groups
        return self.is_main and (not one.optional or normalise(one.name) in brought)


def read_poetry(path: Path) -> PoetryProject | None:
    """Read poetry's tables.

    Args:
        path: a ``pyproject.toml``.

    Returns:
        ``None`` for any other file, one without such a table, and one that cannot be read: uv itself says why.
    """
    if path.suffix != ".toml":
        return None
    try:
        text = decode(str(path), read_bounded(path, MAX_BYTES))
        document = tomllib.loads(text.whole.text)
    except (UnreadableError, tomllib.TOMLDecodeError, RecursionError):
        return None
    poetry = _table(_table(document, "tool"), "poetry")
    found = tuple(_dependencies(poetry, path, _lines(text)))
    if not found and "dependencies" not in poetry:
        return None
    project = _table(document, "project")
    python = _table(poetry, "dependencies").get("python")
    return PoetryProject(
        file=path,
        dependencies=found,
        groups=frozenset(one.group for one in found) - {MAIN},
        extras={normalise(name): _names(values) for name, values in _table(poetry, "extras").items()},
        is_main="dependencies" in poetry and not isinstance(project.get("dependencies"), list),
        python=(specifier(python, Notation.POETRY) or "") if isinstance(python, str) else "",
        sources=tuple(_sources(poetry.get("source"))),
        own_groups=frozenset(map(normalise, _table(document, "dependency-groups"))),
    )


def _dependencies(poetry: Mapping[str, object], path: Path, lines: Mapping[_Path, int]) -> Iterator[PoetryDependency]:
    tables: list[tuple[str, _Path]] = [
        (MAIN, ("dependencies",)),
        (_OLD_GROUP, ("dev-dependencies",)),
        *((normalise(group), ("group", group, "dependencies")) for group in _table(poetry, "group")),
    ]
    for group, keys in tables:
        table = poetry
        for key in keys:
            table = _table(table, str(key))
        for name, written in table.items():
            if normalise(name) == "python":
                continue
            for place, one in enumerate(written if isinstance(written, list) else [written]):
                at = ("tool", "poetry", *keys, name)
                line = lines.get((*at, place) if isinstance(written, list) else at, 0)
                said = {"version": one} if isinstance(one, str) else one
                if isinstance(said, dict):
                    yield _dependency(name, said, line, group, path)


def _dependency(name: str, said: Mapping[str, object], line: int, group: str, path: Path) -> PoetryDependency:
    optional = said.get("optional") is True
    marker = marker_of(said)
    tail = f" ; {marker.text}" if marker.text else ""
    brackets = f"[{','.join(sorted(_names(said.get('extras'))))}]" if said.get("extras") else ""
    address, folder = _address(said, path.parent)
    if address:
        return PoetryDependency(
            name=name,
            wanted="",
            requirement=f"{name}{brackets} @ {address}{tail}",
            line=line,
            group=group,
            optional=optional,
            address=address,
            folder=folder,
            unsaid=marker.unsaid,
        )
    wanted = _text(said.get("version"))
    plain = _LOCAL.sub(r"\1", wanted)
    bounds = specifier(plain, Notation.POETRY)
    reasons = [marker.unsaid, *_left_out(said)]
    if bounds is None:
        last = plain.rpartition("|")[2].strip()
        bounds = (specifier(last, Notation.POETRY) if last else None) or ""
        reasons.append(f"of {wanted!r} it is told {bounds or 'nothing'}")
    return PoetryDependency(
        name=name,
        wanted=wanted,
        requirement=f"{name}{brackets}{bounds}{tail}",
        line=line,
        group=group,
        optional=optional,
        unsaid=", ".join(filter(None, reasons)),
        build=wanted.lstrip("= ") if plain != wanted and bounds.startswith("==") else "",
    )


def _left_out(said: Mapping[str, object]) -> Iterator[str]:
    source = _text(said.get("source"))
    if source and source.lower() != _PYPI:
        yield f"the source {source!r} is not asked"
    if said.get("allow-prereleases") is True:
        yield "pre-releases are not taken"


def _sources(tables: object) -> Iterator[str]:
    for one in tables if isinstance(tables, list) else ():
        if isinstance(one, dict) and one.get("priority") != "explicit" and _text(one.get("name")).lower() != _PYPI:
            yield _text(one.get("name"))


def _address(said: Mapping[str, object], folder: Path) -> tuple[str, Path | None]:
    """Where a dependency comes from, and the folder that it is; both empty for one from an index."""
    if repository := _text(said.get("git")):
        reference = next((_text(said[key]) for key in ("rev", "tag", "branch") if key in said), "")
        inside = _text(said.get("subdirectory"))
        short = "://" not in repository and ":" in repository  # git@host:owner/name
        place = f"ssh://{repository.replace(':', '/', 1)}" if short else repository
        return f"git+{place}{f'@{reference}' if reference else ''}{f'#subdirectory={inside}' if inside else ''}", None
    if url := _text(said.get("url")):
        return url, None
    if local := _text(said.get("path")) or _text(said.get("file")):
        place_here = (folder / local / _text(said.get("subdirectory"))).resolve()
        return place_here.as_uri(), place_here if place_here.is_dir() else None
    return "", None


def _lines(document: Document) -> dict[_Path, int]:
    """The line of the first string below each path of keys."""
    found: dict[_Path, int] = {}
    for entry in strings(document.whole):
        line = document.line(entry.value.start)
        for length in range(4, len(entry.path) + 1):
            found.setdefault(entry.path[:length], line)
    return found


def _table(values: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _names(values: object) -> frozenset[str]:
    items = values if isinstance(values, list) else ()
    return frozenset(normalise(one) for one in items if isinstance(one, str))


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
