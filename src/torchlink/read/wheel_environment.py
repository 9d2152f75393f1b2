"""An environment made of wheels that are not installed: where each file of each wheel would lie, and what is in it.

The same linkers judge it as an installed one: its tree, its sources and its native libraries answer as those on disk
do. It may stand on an installed environment, some of whose distributions the wheels replace.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from torchlink.model.environment import (
    Distribution,
    DistributionKind,
    EditableFinder,
    Environment,
    Interpreter,
    PathEntry,
    PathOrigin,
)
from torchlink.model.errors import UnreadableError
from torchlink.model.names import normalise
from torchlink.model.native import NativeFacts
from torchlink.read.environment import Survey, environment_of
from torchlink.read.metadata import decode, parse_core_metadata, parse_headers
from torchlink.read.modules import copies_on
from torchlink.read.native_files import NativeReader
from torchlink.read.native_strings import NativeStrings
from torchlink.read.record import owned_files
from torchlink.read.sources import DiskFiles
from torchlink.read.startup_lines import PathEdit, path_edits, runs_code
from torchlink.read.tree import Tree
from torchlink.read.wheel import Wheel, under_path

_TORCH_LIBRARIES = ("libtorch", "libc10")
_TORCH_SYMBOL = re.compile(r"_Z\w*?(?:2at|3c10|5torch|6caffe2)|_?Py[A-Z]")
NOWHERE = "/(wheels)"
"""The prefix of an environment that is nowhere on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A wheel in an environment, or a distribution of which no wheel could be read."""

    name: str
    """PEP 503-normalised."""
    version: str
    """As it is asked for, local version included."""
    wheel: Wheel | None = None
    inferred_from: str = ""
    """The version of the sibling build whose wheel stands for this one's; empty where it is its own."""
    reason: str = ""
    """Why no wheel could be read."""
    yanked: str = ""
    """Why its publisher has withdrawn it."""
    sha256: str = ""
    size: int = 0
    """Of the wheel, in bytes; 0 where it is not known."""
    modules: tuple[str, ...] = ()
    """The top-level modules of one that could not be read, as far as they are known."""


@dataclass(frozen=True, slots=True)
class WheelMember:
    """A file of a wheel."""

    wheel: Wheel
    name: str
    inferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelEnvironment:
    """What is linked: an environment, its folders, and where its files' bytes are."""

    environment: Environment
    tree: Tree
    members: Mapping[str, WheelMember]
    """Every file of a wheel by its absolute path."""


def on_nothing(placed: Sequence[Placed], interpreter: Interpreter) -> WheelEnvironment:
    """The environment that these wheels alone would make for an interpreter."""
    site = _site(NOWHERE, interpreter)
    entries = [PathEntry(path=path, origin=PathOrigin.STDLIB) for path in interpreter.stdlib]
    entries.append(PathEntry(path=site, origin=PathOrigin.SITE))
    environment = Environment(prefix=NOWHERE, interpreter=interpreter, search_path=tuple(entries), distributions=())
    return _with_wheels(environment, Tree(()), (), placed, site)


def on_installed(surveyed: Survey, placed: Sequence[Placed], removed: Iterable[str]) -> WheelEnvironment:
    """The environment that an installed one becomes.

    Args:
        surveyed: the installed environment.
        placed: what is installed anew, or in another version.
        removed: the names of what is uninstalled without being replaced.
    """
    environment = environment_of(surveyed)
    gone = {*removed, *(one.name for one in placed)}
    replaced = [one for one in environment.distributions if one.name in gone and not one.editable]
    site = next(
        (entry.path for entry in environment.search_path if entry.origin is PathOrigin.SITE), environment.prefix
    )
    return _with_wheels(environment, surveyed.tree, replaced, placed, site)


def _site(prefix: str, interpreter: Interpreter) -> str:
    if interpreter.platform.startswith("win"):
        return f"{prefix}/Lib/site-packages"
    major, minor = interpreter.version_info
    return f"{prefix}/lib/python{major}.{minor}/site-packages"


def _with_wheels(
    environment: Environment, tree: Tree, replaced: Sequence[Distribution], placed: Sequence[Placed], site: str
) -> WheelEnvironment:
    members: dict[str, WheelMember] = {}
    for one in placed:
        for name in one.wheel.sizes if one.wheel else ():
            if one.wheel and (path := _place(name, site, environment.prefix)):
                members[path] = WheelMember(one.wheel, name, bool(one.inferred_from))
    removed = [path for one in replaced for path in one.files]
    overlaid = tree.overlaid(removed, {path: one.wheel.sizes[one.name] for path, one in members.items()})
    gone = {id(one) for one in replaced}
    kept = [one for one in environment.distributions if id(one) not in gone]
    added = [_distribution(one, site, environment.prefix, overlaid) for one in placed]
    finders = (*environment.finders, *_unread(placed, site))
    search_path = _with_pth_files(environment.search_path, placed, site, overlaid)
    entries = [entry.path for entry in search_path]
    return WheelEnvironment(
        environment=replace(
            environment,
            search_path=search_path,
            distributions=(*kept, *added),
            finders=finders,
            copies=copies_on(entries, [place for finder in environment.finders for place in finder.mapping], overlaid),
        ),
        tree=overlaid,
        members=members,
    )


def _with_pth_files(
    entries: Sequence[PathEntry], placed: Iterable[Placed], site: str, tree: Tree
) -> tuple[PathEntry, ...]:
    """A search path after the ``.pth`` files of wheels; what their lines do besides is not followed."""
    found = list(entries)
    for edit in (edit for one in placed if one.wheel for edit in _path_edits(one.wheel, site)):
        folder, _, last = posixpath.normpath(edit.folder).rpartition("/")
        entry = PathEntry(path=f"{folder}/{last}", origin=PathOrigin.PTH)
        if last in tree.folders(folder) and entry not in found:
            found.insert(0 if edit.first else len(found), entry)
    return tuple(found)


def _path_edits(wheel: Wheel, site: str) -> Iterator[PathEdit]:
    for name in (name for name in wheel.sizes if name.endswith(".pth") and "/" not in name):
        try:
            lines = decode(wheel.text(name)).splitlines()
        except UnreadableError:
            continue
        for line in lines:
            if runs_code(line):
                yield from path_edits(line, site) or ()
            elif line.strip() and not line.startswith("#"):
                yield PathEdit(posixpath.join(site, line.rstrip()), first=False)


def _place(name: str, site: str, prefix: str) -> str:
    """Where an installer puts a member; empty for what is no part of an environment."""
    head, _, rest = name.partition("/")
    if not head.endswith(".data"):
        return f"{site}/{name}"
    scheme, _, below = rest.partition("/")
    folder = {"purelib": site, "platlib": site, "data": prefix, "scripts": f"{prefix}/bin"}.get(scheme)
    return f"{folder}/{below}" if folder and below else ""


def _recorded(name: str, site: str, prefix: str) -> str:
    """How RECORD names a member; empty for what is no part of an environment."""
    if not name.partition("/")[0].endswith(".data"):
        return name
    path = _place(name, site, prefix)
    return os.path.relpath(path, site).replace(os.sep, "/") if path else ""


def _distribution(placed: Placed, site: str, prefix: str, tree: Tree) -> Distribution:
    wheel = placed.wheel
    if wheel is None:
        return Distribution(
            name=placed.name,
            version=placed.version,
            kind=DistributionKind.DIST_INFO,
            metadata_path=f"{site}/{placed.name}-{placed.version}.dist-info",
            root=site,
            top_level=placed.modules,
        )
    problems = [f"{name}: {reason}" for name, reason in wheel.problems.items()]
    core = parse_core_metadata(_small(wheel, "METADATA", problems))
    headers = parse_headers(decode(_small(wheel, "WHEEL", problems)))
    record = (entry for name in wheel.sizes if (entry := _recorded(name, site, prefix)))
    owned = owned_files(record, site, (site, prefix), tree)
    return Distribution(
        name=normalise(core.name or placed.name),
        version=placed.version if placed.inferred_from else core.version or placed.version,
        kind=DistributionKind.DIST_INFO,
        metadata_path=f"{site}/{wheel.info}",
        root=site,
        requires=core.requires,
        requires_python=core.requires_python,
        extras=core.extras,
        tags=tuple(headers.get("tag", ())),
        files=tuple(owned.files),
        top_level=tuple(owned.top_level),
        problems=tuple(problems),
    )


def _small(wheel: Wheel, name: str, problems: list[str]) -> bytes:
    try:
        return wheel.text(f"{wheel.info}/{name}")
    except UnreadableError as error:
        if f"{wheel.info}/{name}" not in wheel.problems:
            problems.append(str(error))
        return b""


def _unread(placed: Iterable[Placed], site: str) -> Iterable[EditableFinder]:
    """Modules of distributions that could not be read: they are there, and nobody knows what is in them."""
    for one in placed:
        if one.wheel is None:
            names = one.modules or (one.name.replace("-", "_"),)
            yield EditableFinder(path=f"{site}/{one.name}", mapping=tuple((name, "") for name in names))


class WheelFiles:
    """Bytes of the files of an environment of wheels; those of the installed one beneath come from the disk."""

    def __init__(self, made: WheelEnvironment) -> None:
        self._members = made.members
        self._disk = DiskFiles(made.tree)

    def read(self, path: str) -> bytes:
        """The bytes of a file.

        Raises:
            UnreadableError: it cannot be read.
        """
        member = self._members.get(path)
        return self._disk.read(path) if member is None else member.wheel.text(member.name)

    def key(self, path: str) -> str:
        """The wheel's digest and the member; for what is on disk, its path, size and time."""
        member = self._members.get(path)
        if member is None:
            return self._disk.key(path)
        return f"{member.wheel.sha256}:{member.name}" if member.wheel.sha256 else ""

    def wheel(self, path: str) -> str:
        """The digest of the wheel that the file lies in; empty for one on disk."""
        member = self._members.get(path)
        return "" if member is None else member.wheel.sha256

    def changed(self, path: str) -> bool:
        """As `DiskFiles.changed`; a wheel does not change."""
        return path not in self._members and self._disk.changed(path)

    def strings(self, path: str) -> NativeStrings:
        """The strings of a native library."""
        member = self._members.get(path)
        if member is None:
            return self._disk.strings(path)
        return NativeStrings(path, lambda: member.wheel.strings(member.name))


class WheelNatives(NativeReader):
    """Native libraries of an environment of wheels; those on disk are read there."""

    def __init__(self, made: WheelEnvironment, *, musl: bool = False) -> None:
        super().__init__(musl=musl)
        self._made = made

    @cached_property
    def _sites(self) -> tuple[str, ...]:
        roots = (entry.path for entry in self._made.environment.search_path if entry.origin is PathOrigin.SITE)
        return (*roots, self._made.environment.prefix)

    def facts(self, path: str) -> NativeFacts:
        """The facts of a library.

        Raises:
            UnreadableError: it is no ELF file, or a broken one.
        """
        member = self._made.members.get(path)
        if member is None:
            return super().facts(path)
        found = self._facts.get(path)
        if isinstance(found, NativeFacts):
            return found
        facts = member.wheel.natives().get(member.name)
        if facts is None:
            raise UnreadableError(member.wheel.problems.get(member.name, "is no library that was read"), where=path)
        if facts.library.format != "ELF":
            raise UnreadableError(f"is a {facts.library.format} file, and is not linked", where=path)
        facts = under_path(_without_needs(facts, member.wheel) if member.inferred else facts, path)
        self._facts[path] = facts
        return facts

    def exported(self, path: str, names: frozenset[str]) -> frozenset[str]:
        """Those of ``names`` that the library offers to others.

        Raises:
            UnreadableError: as `facts`.
        """
        member = self._made.members.get(path)
        if member is None:
            return super().exported(path, names)
        table = member.wheel.exports(member.name)
        return frozenset(name for name in names if name in table)

    def find(self, folder: str, name: str) -> str | None:
        """The path of a file in a folder, or ``None`` where there is no such file."""
        if any(folder == site or folder.startswith(f"{site}/") for site in self._sites):
            return f"{folder}/{name}" if name in self._made.tree.files(folder) else None
        return super().find(folder, name)

    def real(self, path: str) -> str:
        """A path without symbolic links: a wheel has none."""
        return path if path in self._made.members else super().real(path)

    def read_record(self, path: str) -> bytes:
        """The bytes of a small file beside the libraries.

        Raises:
            UnreadableError: it cannot be read.
        """
        member = self._made.members.get(path)
        return super().read_record(path) if member is None else member.wheel.text(member.name)


def _without_needs(facts: NativeFacts, wheel: Wheel) -> NativeFacts:
    """What a library of a sibling build tells of this one: what it needs of Python, of torch and of its own
    package. The rest is that of another compute platform."""
    own = {name.rpartition("/")[2] for name in wheel.sizes}
    library = facts.library
    needed = tuple(name for name in library.needed if name in own or name.startswith(_TORCH_LIBRARIES))
    undefined = tuple(filter(_TORCH_SYMBOL.match, library.undefined))
    return replace(facts, library=replace(library, needed=needed, undefined=undefined, version_needs=()))
