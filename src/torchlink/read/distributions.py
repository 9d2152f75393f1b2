"""Every installed distribution on a search path, in whichever form its metadata has."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from torchlink.model.environment import Distribution, DistributionKind, EditableFinder, PathEntry, PathOrigin
from torchlink.model.errors import UnreadableError
from torchlink.model.names import normalise
from torchlink.read.archives import read_member
from torchlink.read.bounded import is_file, read_bounded, read_head
from torchlink.read.metadata import (
    CoreMetadata,
    decode,
    header_bytes,
    parse_core_metadata,
    parse_direct_url,
    parse_headers,
    parse_record,
    parse_requires_txt,
)
from torchlink.read.modules import top_level_modules
from torchlink.read.record import Owned, owned_files
from torchlink.read.tree import Tree

_HEAD = 64 * 1024
_MAX_METADATA = 8 * 1024 * 1024
_MAX_RECORD = 64 * 1024 * 1024
_MAX_FILES = 500_000
_MAX_REQUIRES = 5_000
_MAX_WORD = 300
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
_MAX_SMALL = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a reader of distributions has to know of the environment."""

    tree: Tree
    anchors: tuple[str, ...]
    """Folders in which a RECORD may name files: the prefix and the like."""
    finders: tuple[EditableFinder, ...]


def read_distributions(entries: Iterable[PathEntry], place: Place) -> tuple[list[Distribution], list[str]]:
    """Read the distributions of a search path in its order, and what could not be read."""
    found: list[Distribution] = []
    problems: list[str] = []
    seen: set[str] = set()
    for entry in entries:
        real = os.path.realpath(entry.path)
        if real in seen:
            continue
        seen.add(real)
        for distribution in _in_entry(entry, place, problems):
            if entry.origin is not PathOrigin.PTH or not _is_source_of(distribution, found):
                found.append(distribution)
    return found, problems


def distribution_digest(distribution: Distribution, tree: Tree) -> str:
    """A digest of the metadata and of everything that lies in the top-level packages of a distribution.

    What people add to a package by hand is seen too. Namespace packages are seen as a whole.
    """
    root = distribution.root
    folders = (f"{root}{os.sep}{name}" for name in distribution.top_level)
    singles = (path for path in distribution.files if path.rpartition(os.sep)[0] == root)
    return tree.digest_of({distribution.metadata_path, *folders, *singles})


def _is_source_of(distribution: Distribution, found: list[Distribution]) -> bool:
    """Whether an ``.egg-info`` beside some source only repeats the editable install that points there."""
    return any(one.name == distribution.name and one.editable for one in found)


def _in_entry(entry: PathEntry, place: Place, problems: list[str]) -> Iterator[Distribution]:
    listing = place.tree.listing(entry.path)
    if entry.path.endswith(".egg") and "EGG-INFO" in listing.folders:
        yield _egg(entry.path, place)
    for name in sorted(listing.folders):
        if name.endswith(".dist-info"):
            if name.startswith("~"):
                problems.append(f"{entry.path}{os.sep}{name}: left behind by an interrupted pip; not a distribution")
            else:
                yield _dist_info(entry.path, name, place)
        elif name.endswith(".egg-info"):
            yield _egg_info(entry, name, place)
    for name in sorted(listing.files):
        if name.endswith(".egg-info"):
            yield _egg_info_file(entry.path, name, place)


def _dist_info(root: str, name: str, place: Place) -> Distribution:
    folder = f"{root}{os.sep}{name}"
    present = place.tree.files(folder)
    problems: list[str] = []
    core = _core(folder, "METADATA", name.removesuffix(".dist-info"), problems)
    owned, top_level = _owned(root, folder, place, problems)
    url, editable = "", False
    if "direct_url.json" in present:
        url, editable = parse_direct_url(_small(folder, "direct_url.json", problems))
    editable = editable or any(f"{os.sep}__editable__" in path for path in owned.files)
    if editable:
        top_level = _editable_names(folder, core, owned, place, problems) or top_level
    wheel = parse_headers(decode(_small(folder, "WHEEL", problems))) if "WHEEL" in present else {}
    installer = decode(_small(folder, "INSTALLER", problems)).strip() if "INSTALLER" in present else ""
    return Distribution(
        name=normalise(core.name),
        version=core.version,
        kind=DistributionKind.DIST_INFO,
        metadata_path=folder,
        root=root,
        requires=core.requires,
        requires_python=core.requires_python,
        extras=core.extras,
        tags=tuple(wheel.get("tag", ())),
        installer=installer[:80],
        files=tuple(owned.files),
        top_level=tuple(top_level),
        direct_url=url,
        editable=editable,
        problems=tuple(problems),
    )


def _owned(root: str, folder: str, place: Place, problems: list[str]) -> tuple[Owned, list[str]]:
    """The files and top-level names of a ``.dist-info`` folder, by its RECORD or by ``top_level.txt``."""
    present = place.tree.files(folder)
    if "RECORD" not in present:
        names = _listed_names(folder, "top_level.txt", place, problems)
        owned = Owned(files=list(_below(root, names, place.tree)))
        return owned, names
    try:
        record = islice(parse_record(read_bounded(f"{folder}{os.sep}RECORD", _MAX_RECORD)), _MAX_FILES)
        owned = owned_files(record, root, (root, *place.anchors), place.tree)
    except UnreadableError as error:
        problems.append(str(error))
        return Owned(), []
    if owned.outside:
        problems.append(f"RECORD names {len(owned.outside)} files outside the environment, such as {owned.outside[0]}")
    if owned.missing:
        problems.append(f"{len(owned.missing)} modules of its RECORD are missing, such as {owned.missing[0]}")
    return owned, owned.top_level


def _editable_names(folder: str, core: CoreMetadata, owned: Owned, place: Place, problems: list[str]) -> list[str]:
    """The top-level names of an editable install: its finder's, ``top_level.txt``'s, or a path's that it adds."""
    names = {
        module.partition(".")[0]
        for finder in place.finders
        if finder.path in owned.files
        for module in (*dict(finder.mapping), *dict(finder.namespaces))
    }
    return (
        sorted(names)
        or _listed_names(folder, "top_level.txt", place, problems)
        or [name for path in owned.files if path.endswith(".pth") for name in _names_on_pth(path, core, place)]
    )


def _names_on_pth(path: str, core: CoreMetadata, place: Place) -> list[str]:
    """The packages in the folder that an editable install's ``.pth`` file names: the one of its own name, or all."""
    try:
        lines = decode(read_bounded(path, _MAX_SMALL)).splitlines()
    except UnreadableError:
        return []
    for folder in (line.strip() for line in lines if os.path.isabs(line.strip())):  # noqa: PTH117 -- a string is judged
        names = _guessed_names(core.name, folder, place.tree)
        if names or place.tree.folders(folder):
            return names or sorted(top_level_modules(folder, place.tree))
    return []


def _egg_info(entry: PathEntry, name: str, place: Place) -> Distribution:
    root, folder = entry.path, f"{entry.path}{os.sep}{name}"
    problems: list[str] = []
    core = _core(folder, "PKG-INFO", name.removesuffix(".egg-info"), problems)
    requires, extras = core.requires, core.extras
    if "requires.txt" in place.tree.files(folder):
        requires, extras = parse_requires_txt(_small(folder, "requires.txt", problems))
    names = _listed_names(folder, "top_level.txt", place, problems) or _guessed_names(core.name, root, place.tree)
    files = _installed_files(root, folder, place, problems) or list(_below(root, names, place.tree))
    return Distribution(
        name=normalise(core.name),
        version=core.version,
        kind=DistributionKind.EGG_INFO,
        metadata_path=folder,
        root=root,
        requires=requires,
        requires_python=core.requires_python,
        extras=extras,
        files=tuple(files),
        top_level=tuple(names),
        editable=entry.origin is PathOrigin.PTH,
        problems=tuple(problems),
    )


def _installed_files(root: str, folder: str, place: Place, problems: list[str]) -> list[str]:
    """What setuptools wrote instead of a RECORD, relative to the ``.egg-info`` folder."""
    if "installed-files.txt" not in place.tree.files(folder):
        return []
    lines = decode(_small(folder, "installed-files.txt", problems)).splitlines()
    inside = f"{os.path.basename(folder)}/"  # noqa: PTH119 -- a name, no file is touched
    record = (os.path.normpath(inside + line.strip()).replace(os.sep, "/") for line in lines if line.strip())
    return owned_files(record, root, (root, *place.anchors), place.tree).files


def _egg_info_file(root: str, name: str, place: Place) -> Distribution:
    """The single file that distutils wrote."""
    problems: list[str] = []
    core = _core(root, name, name.removesuffix(".egg-info"), problems)
    names = _guessed_names(core.name, root, place.tree)
    return Distribution(
        name=normalise(core.name),
        version=core.version,
        kind=DistributionKind.EGG_INFO,
        metadata_path=f"{root}{os.sep}{name}",
        root=root,
        requires=core.requires,
        requires_python=core.requires_python,
        files=tuple(_below(root, names, place.tree)),
        top_level=tuple(names),
        problems=tuple(problems),
    )


def _egg(root: str, place: Place) -> Distribution:
    """An egg on the search path: a folder or a zip file with its metadata in ``EGG-INFO``."""
    problems: list[str] = []
    present = place.tree.files(f"{root}{os.sep}EGG-INFO")
    zipped = is_file(root)
    texts: dict[str, bytes] = {}
    for name in ("PKG-INFO", "requires.txt", "top_level.txt"):
        if name in present:
            try:
                member = f"EGG-INFO/{name}"
                texts[name] = (
                    read_member(root, member, _MAX_METADATA)
                    if zipped
                    else read_bounded(f"{root}/{member}", _MAX_METADATA)
                )
            except UnreadableError as error:
                problems.append(str(error))
    stem = os.path.basename(root).removesuffix(".egg")  # noqa: PTH119 -- a name, no file is touched
    core = _named(parse_core_metadata(texts.get("PKG-INFO", b"")), stem, problems)
    requires, extras = parse_requires_txt(texts.get("requires.txt", b""))
    names = decode(texts.get("top_level.txt", b"")).split()
    return Distribution(
        name=normalise(core.name),
        version=core.version,
        kind=DistributionKind.EGG,
        metadata_path=f"{root}{os.sep}EGG-INFO",
        root=root,
        requires=requires or core.requires,
        requires_python=core.requires_python,
        extras=extras or core.extras,
        files=tuple(_below(root, names, place.tree)),
        top_level=tuple(names),
        problems=tuple(problems),
    )


def _core(folder: str, name: str, stem: str, problems: list[str]) -> CoreMetadata:
    path = f"{folder}{os.sep}{name}"
    try:
        data = read_head(path, _HEAD)
        if len(data) == _HEAD and header_bytes(data) == data:
            data = read_bounded(path, _MAX_METADATA)
    except UnreadableError as error:
        problems.append(str(error))
        data = b""
    return _named(parse_core_metadata(data), stem, problems)


def _named(core: CoreMetadata, stem: str, problems: list[str]) -> CoreMetadata:
    """Fill a missing name or version from the folder's name, ``NAME-VERSION`` or ``NAME-VERSION-py3.11``."""
    name, _, rest = stem.partition("-")
    if not (core.name and core.version):
        problems.append("its metadata has no name or no version; taken from the folder's name")
    if len(core.requires) > _MAX_REQUIRES:
        problems.append(f"it has {len(core.requires)} requirements; only the first {_MAX_REQUIRES} are read")
    return CoreMetadata(
        name=_UNPRINTABLE.sub("?", core.name or name)[:_MAX_WORD],
        version=_UNPRINTABLE.sub("?", core.version or rest.partition("-")[0])[:_MAX_WORD],
        requires=core.requires[:_MAX_REQUIRES],
        requires_python=core.requires_python[:_MAX_WORD],
        extras=core.extras,
    )


def _small(folder: str, name: str, problems: list[str]) -> bytes:
    try:
        return read_bounded(f"{folder}{os.sep}{name}", _MAX_SMALL)
    except UnreadableError as error:
        problems.append(str(error))
        return b""


def _listed_names(folder: str, name: str, place: Place, problems: list[str]) -> list[str]:
    if name not in place.tree.files(folder):
        return []
    lines = decode(_small(folder, name, problems)).splitlines()
    return sorted({line.strip().partition("/")[0] for line in lines if line.strip()})


def _guessed_names(name: str, root: str, tree: Tree) -> list[str]:
    """The module that a distribution without a list of files most likely has: the one with its own name."""
    listing = tree.listing(root)
    for candidate in (name, name.replace("-", "_"), name.lower().replace("-", "_")):
        if candidate in listing.folders or f"{candidate}.py" in listing.files:
            return [candidate]
    return []


def _below(root: str, names: Iterable[str], tree: Tree) -> Iterator[str]:
    """Every file of some top-level modules."""
    for name in names:
        for file in tree.files(root):
            if file.partition(".")[0] == name and file.endswith((".py", ".so", ".pyd")):
                yield f"{root}{os.sep}{file}"
        yield from tree.files_below(f"{root}{os.sep}{name}")
