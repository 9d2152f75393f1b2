"""The files of an environment: one walk over the folders of its search path, and listings of others on demand."""

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

_MAX_DEPTH = 48
_MAX_ENTRIES = 3_000_000
_MAX_LOOSE_ENTRIES = 60_000
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "__pypackages__"})
_STAMPED_SUFFIXES = (".py", ".pyi", ".so", ".pyd", ".dylib", ".dll", ".pth", ".egg", ".egg-link", ".egg-info", ".zip")
_NATIVE_SUFFIXES = (".so", ".pyd", ".dylib", ".dll")
_METADATA_FOLDERS = (".dist-info", ".egg-info", "EGG-INFO")


@dataclass(frozen=True, slots=True)
class Listing:
    """One folder: its files with their stamps, and the names of its sub-folders (``__pycache__`` is left out)."""

    files: Mapping[str, FileStamp]
    folders: frozenset[str]


EMPTY = Listing({}, frozenset())


@dataclass(frozen=True, slots=True)
class Root:
    """A folder to walk. ``loose`` marks one that may hold anything beside packages (a project, a PYTHONPATH entry):
    there only folders that can be imported are entered, and not without end."""

    path: str
    loose: bool = False


@dataclass(slots=True)
class _Walk:
    """What a walk has gathered so far."""

    real_roots: tuple[str, ...]
    listings: dict[str, Listing] = field(default_factory=dict)
    natives: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    entries: int = 0
    complete: bool = True


class Tree:
    """Folder listings of an environment, walked once and remembered; any other folder is listed when it is asked for.

    Paths are absolute strings with the platform's separator, as they stand on the search path (links unresolved).
    """

    __slots__ = ("_archives", "_natives", "_others", "_roots", "_walked", "complete", "problems")

    def __init__(self, roots: Iterable[Root]) -> None:
        self._archives: dict[str, dict[str, Listing]] = {}
        self._others: dict[str, Listing] = {}
        roots = tuple(roots)
        walk = _Walk(tuple(os.path.realpath(root.path) for root in roots))
        kept: list[str] = []
        for root in roots:
            if root.path in walk.listings:
                continue
            kept.append(root.path)
            if is_file(root.path):
                found = archive_listings(root.path) or {}
                self._archives[root.path] = {
                    folder: Listing(files, folders) for folder, (files, folders) in found.items()
                }
            else:
                _walk(root, walk)
        self._roots = tuple(kept)
        self._walked: Mapping[str, Listing] = walk.listings
        self._natives = tuple(sorted(walk.natives))
        self.complete = walk.complete
        """False where a bound was met: ``digest`` then does not see every file."""
        self.problems: tuple[str, ...] = tuple(walk.problems)

    def overlaid(self, removed: Iterable[str], added: Mapping[str, FileStamp]) -> Tree:
        """This tree without some files, and with others that lie on no disk: what another set of wheels would make of
        it. Paths are absolute."""
        files: dict[str, dict[str, FileStamp]] = {}
        folders: dict[str, set[str]] = {}
        gone = frozenset(removed)

        def open_folder(folder: str) -> dict[str, FileStamp]:
            if folder not in files:
                known = self.listing(folder)
                files[folder], folders[folder] = dict(known.files), set(known.folders)
                parent, _, name = folder.rpartition(os.sep)
                if added and parent and folder not in self._walked:
                    open_folder(parent)
                    folders[parent].add(name)
            return files[folder]

        for path in gone:
            folder, _, name = path.rpartition(os.sep)
            if folder in self._walked:
                open_folder(folder).pop(name, None)
        for path, stamp in added.items():
            folder, _, name = path.rpartition(os.sep)
            open_folder(folder)[name] = stamp
        tree = Tree(())
        tree._roots, tree._archives = self._roots, self._archives
        tree._walked = {**self._walked, **{one: Listing(files[one], frozenset(folders[one])) for one in files}}
        natives = {path for path in self._natives if path not in gone}
        tree._natives = tuple(sorted(natives.union(filter(_is_native_path, added))))
        tree.complete, tree.problems = self.complete, self.problems
        return tree

    def listing(self, folder: str) -> Listing:
        """List a folder; one that does not exist or cannot be read is empty."""
        found = self._walked.get(folder) or self._others.get(folder)
        if found is None:
            found = self._in_archive(folder)
            if found is None:
                found = _scan(folder)
            self._others[folder] = found
        return found

    def files(self, folder: str) -> Mapping[str, FileStamp]:
        """The files of a folder by name, each with its stamp."""
        return self.listing(folder).files

    def folders(self, folder: str) -> frozenset[str]:
        """The names of a folder's sub-folders."""
        return self.listing(folder).folders

    def has_file(self, path: str) -> bool:
        """Whether a file exists (in a folder that is walked, or is listed for this)."""
        folder, _, name = path.rpartition(os.sep)
        return name in self.listing(folder).files

    def files_below(self, folder: str) -> Iterator[str]:
        """The absolute paths of every walked file below a folder of the walk (or of an archive on it)."""
        for below in self._below(folder):
            for name in self.listing(below).files:
                yield f"{below}{os.sep}{name}"

    def native_libraries(self) -> tuple[str, ...]:
        """Absolute paths of the walked files that are native libraries by their name, sorted."""
        return self._natives

    def digest(self) -> str:
        """A digest of every walked file's path, size and time."""
        hasher = hashlib.blake2b(digest_size=16)
        for root in self._roots:
            hasher.update(root.encode("utf-8", "surrogateescape") + b"\0")
        for folder in sorted(self._walked):
            _feed(hasher, folder, self._walked[folder])
        for archive in sorted(self._archives):
            for folder, listing in sorted(self._archives[archive].items()):
                _feed(hasher, folder, listing)
        return hasher.hexdigest()

    def digest_of(self, paths: Iterable[str]) -> str:
        """A digest of some files and of everything walked below some folders."""
        hasher = hashlib.blake2b(digest_size=16)
        for path in sorted(paths):
            folder, _, name = path.rpartition(os.sep)
            stamp = self.listing(folder).files.get(name)
            if stamp is not None:
                hasher.update(marshal.dumps((path, stamp)))
            for below in self._below(path):
                _feed(hasher, below, self.listing(below))
        return hasher.hexdigest()

    def _below(self, folder: str) -> Iterator[str]:
        known = self._walked
        for archive, listings in self._archives.items():
            if folder.startswith(archive):
                known = listings
        pending = [folder] if folder in known else []
        while pending:
            current = pending.pop()
            yield current
            below = (f"{current}{os.sep}{name}" for name in sorted(known[current].folders, reverse=True))
            pending.extend(path for path in below if path in known)

    def _in_archive(self, folder: str) -> Listing | None:
        for archive, listings in self._archives.items():
            if folder == archive or folder.startswith(archive + os.sep):
                return listings.get(folder, EMPTY)
        return None


def is_native_name(name: str) -> bool:
    """Whether a file is a native library by its name: ``x.so``, ``x.so.1``, ``x.pyd``, ``x.dylib``, ``x.dll``."""
    return name.endswith(_NATIVE_SUFFIXES) or ".so." in name


def _is_native_path(path: str) -> bool:
    folder, _, name = path.rpartition(os.sep)
    return is_native_name(name) or folder.endswith(".libs")


def _feed(hasher: hashlib.blake2b, folder: str, listing: Listing) -> None:
    hasher.update(marshal.dumps((folder, sorted(listing.files.items()), sorted(listing.folders))))


def _scan(folder: str) -> Listing:
    """List one folder that is outside the walk, every file with its stamp."""
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


def _walk(root: Root, walk: _Walk) -> None:
    limit = walk.entries + (_MAX_LOOSE_ENTRIES if root.loose else _MAX_ENTRIES)
    pending: list[tuple[str, int]] = [(root.path, 0)]
    while pending:
        folder, depth = pending.pop()
        if folder in walk.listings:
            continue
        if depth > _MAX_DEPTH or walk.entries > limit:
            walk.complete = False
            walk.problems.append(f"{root.path}: too many or too deep folders; the walk stopped at {folder}")
            return
        links: list[str] = []
        listing = _list(folder, walk, links)
        walk.listings[folder] = listing
        for name in sorted(listing.folders, reverse=True):
            path = f"{folder}{os.sep}{name}"
            if _enters(root, name) and (path not in links or _leads_outside(path, walk)):
                pending.append((path, depth + 1))


def _enters(root: Root, name: str) -> bool:
    if name in _SKIPPED_FOLDERS:
        return False
    return not root.loose or name.isidentifier() or name.endswith((".libs", *_METADATA_FOLDERS))


def _leads_outside(link: str, walk: _Walk) -> bool:
    """Whether a linked folder lies outside what is walked: one inside is seen there, and may be a loop."""
    target = os.path.realpath(link) + os.sep
    return not link.startswith(target) and not any(target.startswith(root + os.sep) for root in walk.real_roots)


def _list(folder: str, walk: _Walk, links: list[str]) -> Listing:
    files: dict[str, FileStamp] = {}
    folders: list[str] = []
    all_native = folder.endswith(".libs")
    all_stamped = all_native or folder.endswith(_METADATA_FOLDERS)
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                walk.entries += 1
                if _is_folder(entry):
                    if name != "__pycache__":
                        folders.append(name)
                        if entry.is_symlink():
                            links.append(entry.path)
                    continue
                native = all_native or is_native_name(name)
                if not (native or all_stamped or name.endswith(_STAMPED_SUFFIXES)):
                    if not name.endswith(".pyc"):
                        files[name] = UNSTAMPED
                elif (stamp := _stamp(entry)) is not None:
                    files[name] = stamp
                    if native:
                        walk.natives.append(entry.path)
    except (OSError, ValueError) as error:
        walk.problems.append(f"{folder}: cannot be listed ({error})")
    return Listing(files, frozenset(folders))
