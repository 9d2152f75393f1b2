"""The files of an environment: one walk over the folders of its search path, and listings of others on demand."""

from __future__ import annotations

import hashlib
import marshal
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from torchlink.read.walk import EMPTY, FileStamp, Listing, Root, Walk, is_native_name, scan, walk_roots
from torchlink.read.walk_ahead import WalkAhead


class Tree:
    """Folder listings of an environment, walked once and remembered; any other folder is listed when it is asked for.

    Paths are absolute strings with the platform's separator, as they stand on the search path (links unresolved).
    """

    __slots__ = ("_ahead", "_known", "_others")

    def __init__(self, roots: Iterable[Root]) -> None:
        self._known: Walk | None = walk_roots(roots)
        self._ahead: WalkAhead | None = None
        self._others: dict[str, Listing] = {}

    @classmethod
    def ahead(cls, roots: Iterable[Root]) -> Tree:
        """A tree that another process walks meanwhile. Nobody waits for it before something of it is asked for."""
        tree = cls(())
        tree._known, tree._ahead = None, WalkAhead(roots)
        return tree

    @property
    def _walk(self) -> Walk:
        if self._known is None:
            self._known = Walk() if self._ahead is None else self._ahead.walk()
        return self._known

    @property
    def complete(self) -> bool:
        """False where a bound was met: ``digest`` then does not see every file."""
        return self._ahead.complete() if self._ahead is not None else self._walk.complete

    @property
    def problems(self) -> tuple[str, ...]:
        """Folders that could not be listed, and where the walk stopped."""
        return tuple(self._walk.problems)

    def is_changed(self, path: str) -> bool:
        """Whether a file was changed or removed since its folder was listed: somebody installs meanwhile."""
        try:
            status = os.stat(path)  # noqa: PTH116 - of every file that is read
        except OSError:
            return True
        folder, _, name = path.rpartition(os.sep)
        return (status.st_size, status.st_mtime_ns) != self.files(folder).get(name)

    def digest(self) -> str:
        """A digest of every walked file's path, size and time."""
        return self._ahead.digest() if self._ahead is not None else self._walk.digest()

    def stop(self) -> None:
        """End the other process, where there is one and nobody needs it any more."""
        if self._ahead is not None:
            self._ahead.stop()

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
                if added and parent and folder not in self._walk.listings:
                    open_folder(parent)
                    folders[parent].add(name)
            return files[folder]

        for path in gone:
            folder, _, name = path.rpartition(os.sep)
            if folder in self._walk.listings:
                open_folder(folder).pop(name, None)
        for path, stamp in added.items():
            folder, _, name = path.rpartition(os.sep)
            open_folder(folder)[name] = stamp
        tree = Tree(())
        changed = {one: Listing(files[one], frozenset(folders[one])) for one in files}
        natives = {path for path in self._walk.natives if path not in gone}
        tree._known = replace(
            self._walk,
            listings={**self._walk.listings, **changed},
            natives=sorted(natives.union(filter(_is_native_path, added))),
        )
        return tree

    def listing(self, folder: str) -> Listing:
        """List a folder; one that does not exist or cannot be read is empty."""
        found = self._walk.listings.get(folder) or self._others.get(folder)
        if found is None:
            found = self._in_archive(folder)
            if found is None:
                found = scan(folder)
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
        return tuple(self._walk.natives)

    def digest_of(self, paths: Iterable[str]) -> str:
        """A digest of some files and of everything walked below some folders."""
        hasher = hashlib.blake2b(digest_size=16)
        for path in sorted(paths):
            folder, _, name = path.rpartition(os.sep)
            stamp = self.listing(folder).files.get(name)
            if stamp is not None:
                hasher.update(marshal.dumps((path, stamp)))
            for below in self._below(path):
                hasher.update(self.listing(below).packed(below))
        return hasher.hexdigest()

    def _below(self, folder: str) -> Iterator[str]:
        known = self._walk.listings
        for archive, listings in self._walk.archives.items():
            if folder.startswith(archive):
                known = listings
        pending = [folder] if folder in known else []
        while pending:
            current = pending.pop()
            yield current
            below = (f"{current}{os.sep}{name}" for name in sorted(known[current].folders, reverse=True))
            pending.extend(path for path in below if path in known)

    def _in_archive(self, folder: str) -> Listing | None:
        for archive, listings in self._walk.archives.items():
            if folder == archive or folder.startswith(archive + os.sep):
                return listings.get(folder, EMPTY)
        return None


def _is_native_path(path: str) -> bool:
    folder, _, name = path.rpartition(os.sep)
    return is_native_name(name) or folder.endswith(".libs")
