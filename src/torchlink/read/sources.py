"""The import linker's source of source: files parsed on demand, kept, and cached between runs."""

from __future__ import annotations

import marshal
import sys
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial
from typing import Protocol

from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFiles
from torchlink.model.source import Block, ModuleSource, Presence
from torchlink.model.store import ByteStore
from torchlink.read.ahead import ReadAhead
from torchlink.read.archives import read_member
from torchlink.read.bounded import is_file, read_head
from torchlink.read.bundles import Bundles
from torchlink.read.native_strings import NativeStrings
from torchlink.read.project import notebook_source
from torchlink.read.python_source import (
    MAX_SOURCE_BYTES,
    Bodies,
    pack,
    pack_bodies,
    parse_function,
    parse_module,
    unpack,
    unpack_bodies,
)
from torchlink.read.tree import Tree


class Files(Protocol):
    """Where bytes of Python source, and strings of native libraries, come from."""

    def read(self, path: str) -> bytes:
        """The bytes of a file; one byte more than may be parsed at most.

        Raises:
            UnreadableError: it cannot be read.
        """
        ...

    def key(self, path: str) -> str:
        """What changes whenever the file does; empty for a file whose facts are not kept."""
        ...

    def wheel(self, path: str) -> str:
        """What changes whenever the wheel does that the file lies in; empty for one on disk."""
        ...

    def changed(self, path: str) -> bool:
        """Whether a file is not any more what ``key`` says."""
        ...

    def strings(self, path: str) -> NativeStrings:
        """The strings of a native library."""
        ...


Walk = Callable[[Callable[[str], ModuleSource]], Iterable[ModuleSource]]
"""Yields the sources that will be asked for, given a function that parses one file."""


_ARCHIVES = (".egg/", ".zip/")
_UNREAD = "cannot be read: "
_FOR_NOW = ("RecursionError", "MemoryError")
"""How problems end that may be the stack's at that depth, not the file's."""


class DiskFiles:
    """Files on disk, and members of zipped eggs."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def read(self, path: str) -> bytes:
        """The bytes of a file, or of a member of a zipped egg.

        Raises:
            UnreadableError: it cannot be read.
        """
        for suffix in _ARCHIVES:
            archive, found, member = path.partition(suffix)
            if found and is_file(archive + suffix[:-1]):
                return read_member(archive + suffix[:-1], member, MAX_SOURCE_BYTES)
        return read_head(path, MAX_SOURCE_BYTES + 1)

    def key(self, path: str) -> str:
        """A file's path, size and time; empty for a file outside the environment, which is not kept."""
        folder, _, name = path.rpartition("/")
        stamp = self._tree.files(folder).get(name)
        return f"{stamp}:{path}" if stamp is not None and stamp[0] >= 0 else ""

    def wheel(self, path: str) -> str:  # noqa: ARG002 -- the protocol's signature
        """Return an empty text: it lies on disk."""
        return ""

    def changed(self, path: str) -> bool:
        """Whether a file was changed or removed since its folder was listed."""
        return self._tree.is_changed(path) and not any(suffix in path for suffix in _ARCHIVES)

    def strings(self, path: str) -> NativeStrings:
        """The strings of a native library."""
        return NativeStrings(path)


class SourceFiles:
    """Implements ``model.source.Sources`` over the files of an environment."""

    def __init__(
        self, tree: Tree, family: Callable[[str], tuple[str, ...]], store: ByteStore, files: Files | None = None
    ) -> None:
        """Read what ``tree`` lists.

        Args:
            tree: the environment's folders.
            family: gives a native library and those of its own package that it needs.
            store: remembers what was parsed.
            files: where bytes come from; the disk where it is not given.
        """
        self._store = store
        self._bundles = Bundles(store)
        self._tree = tree
        self._files: Files = files or DiskFiles(tree)
        self._family = family
        self._modules: dict[str, ModuleSource] = {}
        self._walk: Walk | None = None
        self._ahead: ReadAhead | None = None
        self._lines: dict[str, list[bytes]] = {}
        self._bodies: dict[str, Bodies] = {}
        self._new_bodies: set[str] = set()
        self.settled = True
        """False where a file could not be read, or was changed meanwhile: what comes of it is not to be remembered."""
        self._strings: dict[str, NativeStrings] = {}
        self._presence: dict[str, dict[str, str]] = {}
        self._new_presence: set[str] = set()

    def module(self, path: str) -> ModuleSource:
        """The facts of a source file; a file that cannot be read has a ``problem``."""
        known = self._modules.get(path)
        if known is None:
            known = self._modules[path] = self._parse(path)
        return known

    def _parse(self, path: str) -> ModuleSource:
        known = self.known("module", path)
        if known is not None:
            return unpack(path, known)
        if self._walk is not None and self._key(path):
            walk, self._walk = self._walk, None
            self._ahead = ReadAhead(lambda: ((source.path, pack(source)) for source in walk(self.read)))
        ahead = self._ahead.take(path) if self._ahead is not None else None
        if ahead is None:
            ahead = pack(self.read(path))
        found = unpack(path, ahead)
        if found.problem.startswith(_UNREAD):
            self.settled = self.settled and not self._key(path)
        elif not found.problem.endswith(_FOR_NOW):
            self.keep("module", path, partial(bytes, ahead))
        return found

    def known(self, kind: str, path: str) -> bytes | None:
        """Facts of a file of the environment that were kept."""
        key = self._key(path)
        if not key:
            return None
        wheel = self._files.wheel(path)
        return self._bundles.get(kind, wheel, key) if wheel else self._store.get(kind, key)

    def keep(self, kind: str, path: str, pack: Callable[[], bytes]) -> None:
        """Remember facts of a file of the environment, where they are of the file that was listed.

        ``pack`` gives them, and raises ValueError or RecursionError where they nest too deep to be kept.
        """
        key = self._key(path)
        if not key:
            return
        if self._files.changed(path):
            self.settled = False
            return
        with suppress(ValueError, RecursionError):
            packed, wheel = pack(), self._files.wheel(path)
            if wheel:
                self._bundles.put(kind, wheel, key, packed)
            else:
                self._store.put(kind, key, packed)

    def _key(self, path: str) -> str:
        key = self._files.key(path)
        return f"{sys.version_info[:2]}:{key}" if key else ""

    def parse_ahead(self, walk: Walk) -> None:
        """Parse on another core what ``walk`` yields, from the first file on that is not known from an earlier run."""
        self._walk = walk

    def stop(self) -> None:
        """End what was started by ``parse_ahead``."""
        self._walk = None
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None

    def flush(self) -> None:
        """Keep what was found out, for who asks for the same files the next time."""
        for path in self._new_bodies:
            self.keep("functions", path, partial(pack_bodies, self._bodies[path]))
        for path in self._new_presence:
            self.keep("presence", path, partial(marshal.dumps, self._presence[path]))
        self._new_bodies.clear()
        self._new_presence.clear()
        self._bundles.flush()

    def read(self, path: str) -> ModuleSource:
        """Read and parse a source file, whatever is kept of it."""
        try:
            source = self._files.read(path)
        except UnreadableError as error:
            return ModuleSource(path=path, block=(), problem=f"{_UNREAD}{error}")
        if path.endswith(".ipynb"):
            try:
                source = notebook_source(source)
            except (ValueError, RecursionError) as error:
                return ModuleSource(path=path, block=(), problem=f"is no notebook that can be read: {error}")
        return parse_module(path, source)

    def function(self, path: str, first_line: int, last_line: int) -> Block:
        """The body of a function; empty where it cannot be read."""
        bodies = self._bodies.get(path)
        if bodies is None:
            known = self.known("functions", path)
            bodies = self._bodies[path] = {} if known is None else unpack_bodies(known)
        if first_line not in bodies:
            bodies[first_line] = self._body(path, first_line, last_line)
            self._new_bodies.add(path)
        return bodies[first_line]

    def _body(self, path: str, first_line: int, last_line: int) -> Block:
        try:
            lines = self._lines.get(path)
            if lines is None:
                source = self._files.read(path)
                source = notebook_source(source) if path.endswith(".ipynb") else source
                lines = self._lines[path] = source.splitlines(keepends=True)
            return parse_function(lines, first_line, last_line)
        except (UnreadableError, SyntaxError, ValueError, RecursionError, MemoryError):
            return ()

    def files(self, folder: str) -> AbstractSet[str]:
        """Names of the files in a folder."""
        return self._tree.files(folder).keys()

    def folders(self, folder: str) -> AbstractSet[str]:
        """Names of the folders in a folder."""
        return self._tree.folders(folder)

    def text(self, path: str) -> str:
        """The text of a file; empty where it cannot be read."""
        try:
            return self._files.read(path).decode("utf-8", "replace")
        except UnreadableError:
            return ""

    def library_family(self, path: str) -> tuple[str, ...]:
        """A native library and those of its own package that it needs."""
        return self._family(path)

    def name_in_binary(self, path: str, name: str) -> Presence:
        """Whether a native library holds ``name`` as a C string."""
        answers = self._presence.get(path)
        if answers is None:
            known = self.known("presence", path)
            # The cache checks what it wrote.
            answers = self._presence[path] = {} if known is None else marshal.loads(known)  # noqa: S302
        if name not in answers:
            strings = self._strings.get(path)
            if strings is None:
                strings = self._strings[path] = self._files.strings(path)
            answers[name] = strings.presence(name).value
            self._new_presence.add(path)
        return Presence(answers[name])


def family_of(files: NativeFiles, natives: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """A function that gives a native library and those of its own package, among ``natives``, that make its module."""
    by_package: dict[tuple[str, str], str] = {}
    for path in natives:
        by_package.setdefault((_package(path), path.rpartition("/")[2]), path)

    def family(path: str) -> tuple[str, ...]:
        members = [path]
        for member in members:
            try:
                needed = files.facts(member).library.needed
            except UnreadableError:
                continue
            found = (by_package.get((_package(path), name)) for name in needed)
            members.extend(name for name in found if name is not None and name not in members and speaks_python(name))
        return tuple(members)

    def speaks_python(path: str) -> bool:
        """Whether a library calls Python's C API: no other can give a module its names."""
        try:
            undefined = files.facts(path).library.undefined
        except UnreadableError:
            return False
        return any(name.startswith(("PyModule", "PyObject", "PyType")) for name in undefined)

    return family


def _package(path: str) -> str:
    """The top-level package folder of a file in site-packages."""
    head, _, tail = path.rpartition("-packages/")
    return f"{head}/{tail.partition('/')[0]}"
