"""Which libraries a dynamic linker would load with one, and where it would find them.

The rules are those of ``ld.so(8)``: a library that is already loaded under the name is taken; else the folders of
DT_RPATH (the needer's own and those of whoever loaded it) where the needer has no DT_RUNPATH, then LD_LIBRARY_PATH,
then DT_RUNPATH (the needer's own only), then the system's cache and default folders. Candidates for another machine
are passed over.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFiles, NativeLibrary

MAX_LIBRARIES = 4096
"""No process loads more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A library that is needed and not found."""

    needer: str
    """Path of the library that needs it."""
    soname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A library with everything that is loaded for it."""

    order: tuple[str, ...]
    """Paths, breadth first; the library itself leads."""
    names: Mapping[str, str]
    """What each name that is needed anywhere in it is bound to."""
    missing: tuple[Missing, ...]
    unreadable: tuple[UnreadableError, ...]


EMPTY = Closure(order=(), names={}, missing=(), unreadable=())


@dataclass(slots=True)
class Loader:
    """Finds libraries as the dynamic linker does. It remembers what it found."""

    files: NativeFiles
    library_path: tuple[str, ...] = ()
    """The folders of LD_LIBRARY_PATH."""
    executable_rpath: tuple[str, ...] = ()
    ask_system: bool = True
    """Whether the environment runs on this system, so that its loader's cache and folders count."""
    _libraries: dict[str, NativeLibrary | None] = field(default_factory=dict)
    _unreadable: dict[str, UnreadableError] = field(default_factory=dict)
    _expanded: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _found: dict[tuple[tuple[str, ...], str, str], str | None] = field(default_factory=dict)

    def closure(self, root: str, loaded: Mapping[str, str], *, fallback: Mapping[str, str] | None = None) -> Closure:
        """Everything that loading ``root`` loads.

        Args:
            root: the library's path.
            loaded: what is in the process already, by name.
            fallback: what the package loads by path once the search has failed, by name.
        """
        names: dict[str, str] = {}
        missing: list[Missing] = []
        unreadable: list[UnreadableError] = []
        order: list[str] = []
        inherited: dict[str, tuple[str, ...]] = {}

        def admit(path: str, name: str, chain: tuple[str, ...]) -> None:
            names.setdefault(name, path)
            if path in inherited or len(order) >= MAX_LIBRARIES:
                return
            inherited[path] = chain
            order.append(path)
            if library := self._library(path):
                names.setdefault(library.soname or name, path)

        admit(root, root, ())
        for path in order:
            library = self._library(path)
            if library is None:
                unreadable.append(self._unreadable[path])
                continue
            chain = (*self._folders(library.rpath, path), *inherited[path])
            for name in library.needed:
                if name in names:
                    continue
                target = loaded.get(name) or self._search(library, chain, name) or (fallback or {}).get(name)
                if target is None:
                    missing.append(Missing(needer=path, soname=name))
                else:
                    admit(target, name, chain)
        return Closure(order=tuple(order), names=names, missing=tuple(missing), unreadable=tuple(unreadable))

    def _library(self, path: str) -> NativeLibrary | None:
        """A library's facts; ``None`` where it cannot be read, which `_unreadable` then explains."""
        if path not in self._libraries:
            try:
                self._libraries[path] = self.files.facts(path).library
            except UnreadableError as error:
                self._libraries[path] = None
                self._unreadable[path] = error
        return self._libraries[path]

    def _search(self, library: NativeLibrary, chain: tuple[str, ...], name: str) -> str | None:
        own = self._folders(library.runpath, library.path)
        searched = (
            (*self.library_path, *own) if library.runpath else (*chain, *self.executable_rpath, *self.library_path)
        )
        key = (searched, name, library.machine)
        if key not in self._found:
            self._found[key] = self._look(searched, name, library.machine)
        return self._found[key]

    def _folders(self, entries: tuple[str, ...], path: str) -> tuple[str, ...]:
        if not entries:
            return ()
        if path not in self._expanded:
            self._expanded[path] = folders(entries, path)
        return self._expanded[path]

    def _look(self, searched: tuple[str, ...], name: str, machine: str) -> str | None:
        if "/" in name:
            candidates: tuple[str | None, ...] = (self.files.find(*posixpath.split(name)),)
        else:
            system = self.files.system(name) if self.ask_system else ()
            candidates = (*(self.files.find(folder, name) for folder in searched), *system)
        return next((path for path in candidates if path and self._suits(path, machine)), None)

    def _suits(self, path: str, machine: str) -> bool:
        try:
            return self.files.facts(path).library.machine == machine
        except UnreadableError:
            return False


def folders(entries: tuple[str, ...], path: str) -> tuple[str, ...]:
    """The absolute folders of an RPATH or RUNPATH: ``$ORIGIN`` is the folder of the library that has it."""
    origin = posixpath.dirname(path)
    expanded = (entry.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", origin) for entry in entries)
    return tuple(posixpath.normpath(entry) for entry in expanded if entry.startswith("/"))
