"""A module's full name → where ``importlib`` would find it, from folder listings alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from torchlink.model.environment import Environment
from torchlink.model.source import Sources


class Found(Enum):
    """What kind of module a name is."""

    SOURCE = "source"
    PACKAGE = "package"
    NAMESPACE = "namespace"
    UNREAD = "unread"
    """It is there, and what is in it could not be read."""
    NATIVE = "native"
    BUILTIN = "builtin"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a module was found."""

    found: Found
    path: str
    search: tuple[str, ...] = ()
    stdlib: bool = False


class Finder:
    """Finds modules on the search path, in Python's order, and remembers what it found."""

    def __init__(self, environment: Environment, sources: Sources, first: Sequence[str] = ()) -> None:
        """``first`` are folders before everything else: the project's own."""
        interpreter = environment.interpreter
        self._sources = sources
        self._suffixes = interpreter.extension_suffixes
        self._builtin = interpreter.builtin_modules
        self._stdlib = frozenset(interpreter.stdlib)
        self._home = first[0] if first else ""
        self._path = (*first, *(entry.path for entry in environment.search_path))
        self._mapped = {name: path for finder in environment.finders for name, path in finder.mapping}
        self._perhaps: list[str] = []
        self._cache: dict[tuple[str, tuple[str, ...]], Location | None] = {}

    def top_level(self, name: str) -> Location | None:
        """Find a top-level module."""
        if name in self._builtin:
            return Location(Found.BUILTIN, "", stdlib=True)
        location = self.within(name, self._path)
        if location is not None and location.found is not Found.NAMESPACE:
            return location
        return self._editable(name) or self._of_setuptools(name) or location

    def _of_setuptools(self, name: str) -> Location | None:
        """``distutils``, which Python 3.12 lost: the finder that setuptools installs at start-up answers for it."""
        if name != "distutils" or self.within("_distutils_hack", self._path) is None:
            return None
        setuptools = self.within("setuptools", self._path)
        return None if setuptools is None else self.within("_distutils", setuptools.search)

    def within(self, name: str, folders: tuple[str, ...]) -> Location | None:
        """Find a module by its last name in these folders."""
        key = (name, folders)
        if key not in self._cache:
            self._cache[key] = self._search(name, folders)
        return self._cache[key]

    @property
    def path(self) -> tuple[str, ...]:
        """``sys.path`` as it is now."""
        return self._path

    def is_perhaps_there(self, name: str) -> bool:
        """Whether a top-level module lies in a folder that was put on ``sys.path`` under a condition."""
        return any(self.within(name, (folder,)) is not None for folder in self._perhaps)

    def add_path_perhaps(self, folder: str) -> None:
        """An edit of ``sys.path`` that is not known to be made."""
        if folder.startswith("/") and folder not in self._perhaps:
            self._perhaps.append(folder)

    def add_path(self, folder: str, *, first: bool) -> None:
        """An edit of ``sys.path``; a relative folder is meant from the project's own."""
        if not folder.startswith("/"):
            folder = f"{self._home}/{folder}".removesuffix("/.")
        if folder not in self._path:
            self._path = (folder, *self._path) if first else (*self._path, folder)

    def _search(self, name: str, folders: tuple[str, ...]) -> Location | None:
        portions: list[str] = []
        for folder in folders:
            if name in self._sources.folders(folder):
                inner = f"{folder}/{name}"
                location = self._in_folder("__init__", inner, folder)
                if location is not None:
                    return Location(Found.PACKAGE, location.path, (inner,), location.stdlib)
                portions.append(inner)
            location = self._in_folder(name, folder, folder)
            if location is not None:
                return location
        if portions:
            return Location(Found.NAMESPACE, portions[0], tuple(portions))
        return None

    def _in_folder(self, name: str, folder: str, root: str) -> Location | None:
        files = self._sources.files(folder)
        stdlib = root in self._stdlib
        for suffix in self._suffixes:
            if name + suffix in files:
                return Location(Found.NATIVE, f"{folder}/{name}{suffix}", stdlib=stdlib)
        if f"{name}.py" in files:
            return Location(Found.SOURCE, f"{folder}/{name}.py", stdlib=stdlib)
        if f"{name}.pyc" in files:
            return Location(Found.NATIVE, f"{folder}/{name}.pyc", stdlib=stdlib)
        return None

    def _editable(self, name: str) -> Location | None:
        path = self._mapped.get(name)
        if path is None:
            return None
        if not path:
            return Location(Found.UNREAD, "")
        folder, _, last = path.replace("\\", "/").rpartition("/")
        location = self._search(last, (folder,))
        if location is None and path.endswith(".py"):
            location = self._search(last[:-3], (folder,))
        return location
