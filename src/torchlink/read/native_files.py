"""Native libraries on disk, as the linker asks for them: facts, exported symbols, and the loader's folders."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFacts
from torchlink.read.bounded import read_head
from torchlink.read.elf import DynamicSection
from torchlink.read.elf_image import ElfImage
from torchlink.read.ld_cache import default_folders, read_cache
from torchlink.read.native import read_native

SMALL = 512 * 1024
"""All names of a string table up to this size are read at once. In bytes."""
LOOKUP_COST = 2600
"""One look-up in a hash table takes as long as it takes to cut so many bytes of a string table into names."""
MAX_RECORD = 1 << 20


class NativeReader:
    """Reads each library once. ``known`` holds facts from an earlier run; whoever gives them has checked their
    stamps."""

    def __init__(self, *, musl: bool = False, known: Mapping[str, NativeFacts] | None = None) -> None:
        self._facts: dict[str, NativeFacts | UnreadableError] = dict(known or {})
        self._names: dict[str, AbstractSet[str]] = {}
        self._asked: dict[str, int] = {}
        self._listings: dict[str, frozenset[str]] = {}
        self._musl = musl
        self._cache: Mapping[str, tuple[str, ...]] | None = None

    def facts(self, path: str) -> NativeFacts:
        """The facts of a library.

        Raises:
            UnreadableError: it is no ELF file, or a broken one.
        """
        found = self._facts.get(path)
        if found is None:
            try:
                found = read_native(path)
            except UnreadableError as error:
                found = error
            self._facts[path] = found
        if isinstance(found, UnreadableError):
            raise found
        return found

    def known(self) -> dict[str, NativeFacts]:
        """All facts read so far, to be kept for the next run."""
        return {path: facts for path, facts in self._facts.items() if isinstance(facts, NativeFacts)}

    def exported(self, path: str, names: frozenset[str]) -> frozenset[str]:
        """Those of ``names`` that the library offers to others.

        Raises:
            UnreadableError: as `facts`.
        """
        if path in self._names:
            return names & self._names[path]
        with ElfImage(path) as image:
            dynamic = DynamicSection(image)
            if dynamic.strings_size <= SMALL:
                self._names[path] = dynamic.exports()
                return names & self._names[path]
            asked = self._asked[path] = self._asked.get(path, 0) + len(names)
            if asked * LOOKUP_COST < dynamic.strings_size:
                return frozenset(name for name in names if dynamic.offers(name))
            self._names[path] = dynamic.names_to_look_up()
            return names & self._names[path]

    def find(self, folder: str, name: str) -> str | None:
        """The path of a file in a folder, or ``None`` where there is no such file."""
        names = self._listings.get(folder)
        if names is None:
            names = self._listings[folder] = _listing(folder)
        return f"{folder}/{name}" if name in names else None

    def real(self, path: str) -> str:
        """A path without symbolic links."""
        return os.path.realpath(path)

    def system(self, soname: str) -> tuple[str, ...]:
        """Where the system's own loader finds a library, best first."""
        if self._cache is None:
            self._cache = {} if self._musl else read_cache()
        folders = default_folders(os.uname().machine if hasattr(os, "uname") else "", musl=self._musl)
        found = (self.find(folder, soname) for folder in folders)
        return (*self._cache.get(soname, ()), *(path for path in found if path))

    def torch_record(self, folder: str) -> str:
        """The torch version in a package's ``cpp_lib.json``, which xformers and its kin write when they are built."""
        path = self.find(folder, "cpp_lib.json")
        if path is None:
            return ""
        try:
            record = json.loads(self.read_record(path))
        except (UnreadableError, ValueError, RecursionError):
            return ""
        version = record.get("version") if isinstance(record, dict) else None
        torch = version.get("torch") if isinstance(version, dict) else None
        return torch if isinstance(torch, str) else ""

    def read_record(self, path: str) -> bytes:
        """The bytes of a small file beside the libraries.

        Raises:
            UnreadableError: it cannot be read.
        """
        return read_head(path, MAX_RECORD)


def uses_musl(executable: str) -> bool:
    """Whether a program is linked against musl: its dynamic linker is called ``ld-musl-*``."""
    try:
        with ElfImage(executable) as image:
            return image.interpreter().rpartition("/")[2].startswith("ld-musl")
    except UnreadableError:
        return False


def _listing(folder: str) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries)
    except (OSError, ValueError):
        return frozenset()
