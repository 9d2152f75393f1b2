"""What one wheel holds for a linker: its files, its Python source, and the facts of its native libraries.

A wheel is read once, in the order of its bytes, and never unpacked to disk. What is kept can be stored and read again
without it; it is the same for everyone who reads the same wheel, so its SHA-256 is the key.
"""

from __future__ import annotations

import marshal
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFacts
from torchlink.model.store import ByteStore
from torchlink.read.elf import DynamicSection
from torchlink.read.elf_image import MAGIC, ElfImage
from torchlink.read.metadata import CoreMetadata, parse_core_metadata
from torchlink.read.native import read_native
from torchlink.read.native_codec import pack as pack_natives
from torchlink.read.native_codec import unpack as unpack_natives
from torchlink.read.native_strings import text_of
from torchlink.read.pe_macho import read_other
from torchlink.read.symbol_table import SymbolTable
from torchlink.read.symbol_table import pack as pack_symbols
from torchlink.read.walk import is_native_name
from torchlink.read.wheel_archive import HeldStorage, Member, PackedMember, WheelArchive

FORMAT = f"3:{sys.version_info[:2]}"
_SOURCE = (".py", ".pyi")
_TEXT_SUFFIXES = (".py", ".pyi", ".pth", "cpp_lib.json", "core/ScalarType.h")
_MODULE_MARKS = ("PyModule", "PyObject", "PyType")
_PYTHON = ("Py", "_Py")
"""How names of Python's C API begin. mypyc's modules fetch all they offer with two calls, from one that they share."""
_NO_NAMES = b"\0"
Tell = Callable[[int, int], None]
"""Told how many bytes of a wheel have gone by, and of how many."""


@dataclass(slots=True, kw_only=True)
class Wheel:
    """One wheel's contents. Native libraries' tables are unpacked when they are asked for."""

    filename: str
    sha256: str
    """Empty where nobody vouches for it: then nothing is remembered of it."""
    sizes: Mapping[str, tuple[int, int]]
    """Every file by its name in the wheel: its size in bytes and its CRC."""
    texts: Mapping[str, PackedMember]
    """Its metadata and small texts."""
    problems: Mapping[str, str]
    """Members that could not be read, and why."""
    store: ByteStore
    _sources: Mapping[str, PackedMember] | None = None
    """Its Python source, most of what is kept: whoever has parsed it before does without."""
    _natives: Mapping[str, NativeFacts] | None = None
    _tables: dict[str, bytes] = field(default_factory=dict)
    """Exports and strings by kind and name, where nothing is stored."""
    _exports: dict[str, SymbolTable] = field(default_factory=dict)
    """Those that were asked for: one wheel is linked in many sets when a fix is looked for."""

    @property
    def info(self) -> str:
        """The folder of its metadata: ``torch-2.1.2.dist-info``."""
        return next((name.partition("/")[0] for name in self.sizes if name.endswith(".dist-info/METADATA")), "")

    @property
    def core(self) -> CoreMetadata:
        """What it says of itself; empty where that cannot be read, which is among its problems."""
        try:
            return parse_core_metadata(self.text(f"{self.info}/METADATA"))
        except UnreadableError:
            return parse_core_metadata(b"")

    def text(self, name: str) -> bytes:
        """The bytes of a member that is kept as text.

        Raises:
            UnreadableError: it is not kept, or damaged.
        """
        found = (self._source if name.endswith(_SOURCE) else self.texts).get(name)
        if found is None:
            raise UnreadableError(self.problems.get(name, "is not kept"), where=f"{self.filename}/{name}")
        return found.unpacked(f"{self.filename}/{name}")

    @property
    def _source(self) -> Mapping[str, PackedMember]:
        if self._sources is None:
            kept = self.store.get("wheel-source", self._key(""))
            self._sources = {} if kept is None else _unpacked(marshal.loads(kept))  # noqa: S302 -- as in `load`
        return self._sources

    def natives(self) -> Mapping[str, NativeFacts]:
        """The facts of its native libraries by name."""
        if self._natives is None:
            kept = self.store.get("wheel-natives", self._key(""))
            self._natives = {} if kept is None else unpack_natives(zlib.decompress(kept))
        return self._natives

    def exports(self, name: str) -> SymbolTable:
        """The symbols that a native library offers.

        Raises:
            UnreadableError: they are not known.
        """
        if name not in self._exports:
            self._exports[name] = SymbolTable(self._table("exports", name))
        return self._exports[name]

    def strings(self, name: str) -> bytes:
        """What `native_strings.text_of` kept of a library; empty where that is not known."""
        try:
            return zlib.decompress(self._table("strings", name))
        except UnreadableError:
            return _NO_NAMES if self._is_stub(name) else b""

    def _is_stub(self, name: str) -> bool:
        """Whether it is an extension module that leaves all it offers to a library: it calls nothing of Python itself,
        and registers no operators, whose names would be among its strings."""
        facts = self.natives().get(name)
        if facts is None or any(one.startswith(_PYTHON) or "5torch7Library" in one for one in facts.library.undefined):
            return False
        try:
            return f"PyInit_{name.rpartition('/')[2].partition('.')[0]}" in self.exports(name)
        except UnreadableError:
            return False

    def keep(self) -> None:
        """Store what was read, so that `load` gives it again."""
        if not self.sha256:
            return
        for place, data in self._tables.items():
            self.store.put("wheel-table", self._key(place), data)
        self.store.put("wheel-natives", self._key(""), zlib.compress(pack_natives(self.natives())))
        self.store.put("wheel-source", self._key(""), marshal.dumps(_packed(self._source)))
        head = (self.filename, dict(self.sizes), _packed(self.texts), dict(self.problems))
        self.store.put("wheel", self._key(""), marshal.dumps(head))

    def _table(self, kind: str, name: str) -> bytes:
        place = f"{kind}:{name}"
        found = self._tables.get(place) or self.store.get("wheel-table", self._key(place))
        if found is None:
            raise UnreadableError("its tables are not kept", where=f"{self.filename}/{name}")
        return found

    def _key(self, place: str) -> str:
        return f"{FORMAT}:{self.sha256}:{place}"


def is_kept(sha256: str, store: ByteStore) -> bool:
    """Whether a wheel was read before; what is kept last of it tells."""
    return bool(sha256) and store.get("wheel-natives", f"{FORMAT}:{sha256}:") is not None


def load(sha256: str, store: ByteStore) -> Wheel | None:
    """A wheel that was read before; ``None`` where it is not remembered."""
    kept = store.get("wheel", f"{FORMAT}:{sha256}:") if is_kept(sha256, store) else None
    if kept is None:
        return None
    filename, sizes, texts, problems = marshal.loads(kept)  # noqa: S302 -- the cache checks what it wrote
    return Wheel(filename=filename, sha256=sha256, sizes=sizes, texts=_unpacked(texts), problems=problems, store=store)


_Packed = dict[str, tuple[bytes, int, int, int]]


def _packed(members: Mapping[str, PackedMember]) -> _Packed:
    return {name: (one.data, one.size, one.crc, one.method) for name, one in members.items()}


def _unpacked(members: _Packed) -> dict[str, PackedMember]:
    return {name: PackedMember(*one) for name, one in members.items()}


def mine(archive: WheelArchive, sha256: str, store: ByteStore, tell: Tell) -> Wheel:
    """Read a wheel once from its beginning to its end.

    A member that cannot be read is a problem of the wheel, told by its name; the rest is read all the same.

    Raises:
        UnreachableError: its server stops answering.
    """
    texts: dict[str, PackedMember] = {}
    sources: dict[str, PackedMember] = {}
    natives: dict[str, NativeFacts] = {}
    tables: dict[str, bytes] = {}
    problems: dict[str, str] = {}
    tell(0, 1)
    total = sum(member.packed for member in archive.members)
    done = 0
    for member in archive.members:
        try:
            if _is_text(member.name):
                held = sources if member.name.endswith(_SOURCE) else texts
                held[member.name] = archive.packed(member)
            elif is_native_name(member.name):
                natives[member.name] = _native(member, archive.held(member), tables)
        except UnreadableError as error:
            problems[member.name] = error.what
        done += member.packed
        tell(done, total)
    return Wheel(
        filename=archive.where,
        sha256=sha256,
        sizes={member.name: (member.size, member.crc) for member in archive.members},
        texts=texts,
        problems=problems,
        store=store,
        _sources=sources,
        _natives=natives,
        _tables=tables,
    )


def _is_text(name: str) -> bool:
    return name.endswith(_TEXT_SUFFIXES) or name.partition("/")[0].endswith(".dist-info")


def _native(member: Member, storage: HeldStorage, tables: dict[str, bytes]) -> NativeFacts:
    """The facts of a native library; what it offers and its strings go to ``tables``."""
    try:
        if storage.read_at(0, 4) != MAGIC:
            facts, offered = read_other(member.name, storage)
            tables[f"exports:{member.name}"] = pack_symbols(offered)
            return facts
        facts = read_native(member.name, _Lent(storage))
        with ElfImage(member.name, _Lent(storage)) as image:
            tables[f"exports:{member.name}"] = pack_symbols(DynamicSection(image).exports())
            if _speaks_python(facts):
                tables[f"strings:{member.name}"] = zlib.compress(text_of(image), 6)
        return facts
    finally:
        storage.close()


def _speaks_python(facts: NativeFacts) -> bool:
    """Whether a library calls Python's C API; without that, it gives a module no names."""
    return any(symbol.startswith(_MODULE_MARKS) for symbol in facts.library.undefined)


class _Lent:
    """A storage that outlives the image that reads it."""

    def __init__(self, storage: HeldStorage) -> None:
        self.size = storage.size
        self.read_at = storage.read_at

    def close(self) -> None:
        """Keep the bytes: another image reads them yet."""


def under_path(facts: NativeFacts, path: str) -> NativeFacts:
    """The facts of a library as one that lies at this path."""
    return replace(facts, library=replace(facts.library, path=path))
