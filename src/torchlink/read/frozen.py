"""Exactly the set that a file names: what ``pip freeze`` printed, requirements with ``==``, or a lock file."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from torchlink.model.errors import TorchlinkError
from torchlink.model.names import normalise
from torchlink.read.bounded import read_bounded

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 64 * 2**20
_Environment = dict[str, str | AbstractSet[str]]
"""What markers speak of; those of a lock of extras and groups too (PEP 751)."""
_OPTION = re.compile(r"\s+--[\w-]+(?:[= ]\S+)?")
_NO_REQUIREMENT = ("#", "--hash", "--index", "--extra", "--find", "-i ", "-f ")
_VERSION_IN_NAME = re.compile(r"/(?P<name>[^/#]+?)-(?P<version>\d[^-/#]*)-[^/#]*\.whl")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenPin:
    """One release of a set."""

    name: str
    """PEP 503-normalised."""
    version: str
    url: str = ""
    """Where it comes from, for one that is named by its place."""
    line: int = 0
    """1-based; 0 in a lock file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSet:
    """What a file names, and what in it could not be understood."""

    pins: tuple[FrozenPin, ...]
    unclear: tuple[str, ...] = ()


def read_frozen(path: Path, markers: Mapping[str, str], text: str | None = None, *, every: bool = False) -> FrozenSet:
    """Read a frozen set.

    Args:
        path: ``pip freeze`` output, requirements, ``pylock.toml`` or ``poetry.lock``.
        markers: the environment of PEP 508 markers that it is read for.
        text: the requirements that a lock of another kind was exported to; ``path`` is then only its name.
        every: take several versions of one package, as a list of releases has them and no environment does.

    Raises:
        TorchlinkError: it cannot be read, or it names no set of exact versions.
    """
    if text is not None:
        found = _of_lines(text, path, markers, every=every)
    elif path.suffix in {".lock", ".toml"}:
        found = _of_lock(_read(path), path, markers)
    else:
        found = _of_lines(_read(path), path, markers, every=every)
    if not found.pins:
        raise TorchlinkError("names no exact versions (name==version)", where=str(path), mend="freeze an environment")
    return found


def _read(path: Path) -> str:
    return read_bounded(path, MAX_BYTES).decode("utf-8-sig", "replace")


def _of_lines(text: str, path: Path, markers: Mapping[str, str], *, every: bool) -> FrozenSet:
    pins: dict[tuple[str, str], FrozenPin] = {}
    unclear: list[str] = []
    for number, raw in _logical_lines(text):
        line = _OPTION.sub("", raw.partition(" #")[0]).strip()
        if not line or line.startswith(_NO_REQUIREMENT):
            continue
        try:
            pin = _pin(line, number, markers)
        except (InvalidRequirement, InvalidMarker, UndefinedEnvironmentName):
            unclear.append(f"{path.name}:{number}: {line[:120]}")
            continue
        except _OpenError as error:
            raise TorchlinkError(
                f"{error} is no exact version", where=f"{path}:{number}", mend="resolve it with --requirements instead"
            ) from None
        if pin is not None:
            pins.setdefault((pin.name, pin.version if every else ""), pin)
    return FrozenSet(pins=tuple(pins.values()), unclear=tuple(unclear))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with the number of their beginning; one that ends with a backslash goes on in the next."""
    begun, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first if begun else number
        if line.endswith("\\"):
            begun += f"{line[:-1]} "
            continue
        yield first, begun + line
        begun = ""


class _OpenError(Exception):
    """A requirement that leaves the version open."""


def _pin(line: str, number: int, markers: Mapping[str, str]) -> FrozenPin | None:
    requirement = Requirement(line)
    if requirement.marker is not None and not requirement.marker.evaluate({**markers, "extra": ""}):
        return None
    name = normalise(requirement.name)
    if requirement.url:
        named = _VERSION_IN_NAME.search(requirement.url)
        return FrozenPin(name=name, version=named["version"] if named else "0", url=requirement.url, line=number)
    exact = [one for one in requirement.specifier if one.operator in {"==", "==="} and not one.version.endswith(".*")]
    if len(exact) != 1 or len(requirement.specifier) != 1:
        raise _OpenError(line)
    return FrozenPin(name=name, version=exact[0].version, line=number)


def _of_lock(text: str, path: Path, markers: Mapping[str, str]) -> FrozenSet:
    """``pylock.toml`` (PEP 751) and ``poetry.lock``: tables of packages with a version, some with a marker."""
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise TorchlinkError(f"is no TOML ({error})", where=str(path), mend="correct the file") from None
    tables = values.get("packages") or values.get("package")
    if not isinstance(tables, list):
        raise TorchlinkError("is no lock file that is known", where=str(path), mend="give pylock.toml or poetry.lock")
    groups = values.get("default-groups")
    chosen = frozenset(one for one in groups if isinstance(one, str)) if isinstance(groups, list) else frozenset()
    environment: _Environment = {**markers, "extra": "", "extras": frozenset(), "dependency_groups": chosen}
    return FrozenSet(pins=tuple(_locked(tables, environment)))


def _locked(tables: Sequence[object], markers: _Environment) -> Iterator[FrozenPin]:
    seen: set[str] = set()
    for table in tables:
        if not isinstance(table, dict) or table.get("optional") is True:
            continue
        name, version = table.get("name"), table.get("version")
        if not isinstance(name, str) or not isinstance(version, str) or not _applies(table, markers):
            continue
        if (wanted := normalise(name)) not in seen:
            seen.add(wanted)
            yield FrozenPin(name=wanted, version=version)


def _applies(table: Mapping[str, object], markers: _Environment) -> bool:
    written = table.get("marker") or table.get("markers")
    groups = table.get("groups")
    if isinstance(groups, list) and "main" not in groups:
        return False
    if isinstance(written, dict):  # poetry: one marker for each group
        written = written.get("main")
    if not isinstance(written, str) or not written:
        return True
    try:
        return Marker(written).evaluate(markers)
    except (InvalidMarker, UndefinedEnvironmentName):
        return True
