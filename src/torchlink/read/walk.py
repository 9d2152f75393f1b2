"""The walk over the folders of an environment: what lies in each, with its size and time."""

from __future__ import annotations

import hashlib
import marshal
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from torchlink.read.archives import archive_listings
from torchlink.read.bounded import is_file

FileStamp = tuple[int, int]
"""A file's size in bytes and its modification time in nanoseconds."""

UNSTAMPED: FileStamp = (-1, -1)
"""Stands for a file that no verdict depends on (a C++ header, a picture): it is listed by its name alone."""

MAX_DEPTH = 48
MAX_ENTRIES = 3_000_000
MAX_LOOSE_ENTRIES = 60_000
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "__pypackages__"})
_STAMPED_SUFFIXES = frozenset({".py", ".pyi", ".pth", ".egg", ".egg-link", ".egg-info", ".zip"})
_NATIVE_SUFFIXES = frozenset({".so", ".pyd", ".dylib", ".dll"})
_BY_DESCRIPTOR = os.scandir in os.supports_fd
_METADATA_FOLDERS = (".dist-info", ".egg-info", "EGG-INFO")


@dataclass(frozen=True, slots=True)
class Listing:
    """One folder: its files with their stamps, and the names of its sub-folders (``__pycache__`` is left out)."""

    files: Mapping[str, FileStamp]
    folders: frozenset[str]

    def packed(self, folder: str) -> bytes:
        """What a digest of the folder is made of: files in the order in which the system lists them, which stays."""
        return marshal.dumps((folder, dict(self.files), sorted(self.folders)))


EMPTY = Listing({}, frozenset())


@dataclass(frozen=True, slots=True)
class Root:
    """A folder to walk. ``loose`` marks one that may hold anything beside packages (a project, a PYTHONPATH entry):
    there only folders that can be imported are entered, and not without end."""

    path: str
    loose: bool = False


@dataclass(slots=True)
class Walk:
    """What a walk has gathered so far."""

    roots: list[str] = field(default_factory=list)
    real_roots: tuple[str, ...] = ()
    listings: dict[str, Listing] = field(default_factory=dict)
    archives: dict[str, dict[str, Listing]] = field(default_factory=dict)
    natives: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    entries: int = 0
    complete: bool = True
    """False where a bound was met: ``digest`` then does not see every file."""

    def digest(self) -> str:
        """A digest of every walked file's path, size and time."""
        hasher = hashlib.blake2b(digest_size=16)
        for root in self.roots:
            hasher.update(root.encode("utf-8", "surrogateescape") + b"\0")
        for listings in (self.listings, *(self.archives[one] for one in sorted(self.archives))):
            for folder in sorted(listings):
                hasher.update(listings[folder].packed(folder))
        return hasher.hexdigest()


def walk_roots(roots: Iterable[Root]) -> Walk:
    """Walk some folders and all below them; an archive among them is listed as a folder."""
    roots = tuple(roots)
    walk = Walk(real_roots=tuple(os.path.realpath(root.path) for root in roots))
    for root in roots:
        if root.path in walk.listings:
            continue
        walk.roots.append(root.path)
        if is_file(root.path):
            found = archive_listings(root.path) or {}
            walk.archives[root.path] = {folder: Listing(files, folders) for folder, (files, folders) in found.items()}
        else:
            _walk_root(root, walk)
    walk.natives.sort()
    return walk


def _walk_root(root: Root, walk: Walk) -> None:
    limit = walk.entries + (MAX_LOOSE_ENTRIES if root.loose else MAX_ENTRIES)
    pending: list[tuple[str, int]] = [(root.path, 0)]
    while pending:
        folder, depth = pending.pop()
        if folder in walk.listings:
            continue
        if depth > MAX_DEPTH or walk.entries > limit:
            walk.complete = False
            walk.problems.append(f"{root.path}: too many or too deep folders; the walk stopped at {folder}")
            return
        pending.extend((path, depth + 1) for path in _below(root, folder, walk))


def _below(root: Root, folder: str, walk: Walk) -> Iterator[str]:
    """List a folder, and say which of those in it are to be walked."""
    links: list[str] = []
    listing = _list(folder, walk, links)
    walk.listings[folder] = listing
    for name in sorted(listing.folders, reverse=True):
        path = f"{folder}{os.sep}{name}"
        if _enters(root, name) and (path not in links or _leads_outside(path, walk)):
            yield path


def scan(folder: str) -> Listing:
    """List one folder that is outside the walk, every file with its stamp; an unreadable one is empty."""
    files: dict[str, FileStamp] = {}
    folders: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_folder(entry):
                    if entry.name != "__pycache__":
                        folders.append(entry.name)
                elif (stamp := _stamp(entry)) is not None:
                    files[entry.name] = stamp
    except (OSError, ValueError):
        return EMPTY
    return Listing(files, frozenset(folders))


def is_native_name(name: str) -> bool:
    """Whether a file is a native library by its name: ``x.so``, ``x.so.1``, ``x.pyd``, ``x.dylib``, ``x.dll``."""
    return name[name.rfind(".") :] in _NATIVE_SUFFIXES or ".so." in name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _stamp(entry: os.DirEntry[str]) -> FileStamp | None:
    try:
        status = entry.stat()
    except OSError:  # a dangling link, or a file that went away meanwhile
        return None
    return status.st_size, status.st_mtime_ns


def _enters(root: Root, name: str) -> bool:
    if name in _SKIPPED_FOLDERS:
        return False
    return not root.loose or name.isidentifier() or name.endswith((".libs", *_METADATA_FOLDERS))


def _leads_outside(link: str, walk: Walk) -> bool:
    """Whether a linked folder lies outside what is walked: one inside is seen there, and may be a loop."""
    target = os.path.realpath(link) + os.sep
    return not link.startswith(target) and not any(target.startswith(root + os.sep) for root in walk.real_roots)


def _list(folder: str, walk: Walk, links: list[str]) -> Listing:
    files: dict[str, FileStamp] = {}
    folders: list[str] = []
    all_native = folder.endswith(".libs")
    all_stamped = all_native or folder.endswith(_METADATA_FOLDERS)
    try:
        # By its descriptor, so that the system need not look up the whole path again for each file.
        place = os.open(folder, os.O_RDONLY) if _BY_DESCRIPTOR else folder
        try:
            with os.scandir(place) as entries:
                found = list(entries)
            for entry in found:
                name = entry.name
                suffix = name[name.rfind(".") :]
                native = all_native or suffix in _NATIVE_SUFFIXES or ".so." in name
                try:
                    if entry.is_dir():
                        if name != "__pycache__":
                            folders.append(name)
                            if entry.is_symlink():
                                links.append(f"{folder}{os.sep}{name}")
                    elif native or all_stamped or suffix in _STAMPED_SUFFIXES:
                        status = entry.stat()
                        files[name] = (status.st_size, status.st_mtime_ns)
                        if native:
                            walk.natives.append(f"{folder}{os.sep}{name}")
                    elif suffix != ".pyc":
                        files[name] = UNSTAMPED
                except OSError:  # a link to itself or to nothing, or a file that went away meanwhile
                    continue
            walk.entries += len(found)
        finally:
            if isinstance(place, int):
                os.close(place)
    except (OSError, ValueError) as error:
        walk.problems.append(f"{folder}: cannot be listed ({error})")
    return Listing(files, frozenset(folders))
