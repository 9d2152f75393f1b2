"""The dynamic section of an ELF file: what the library is called, what it needs, and what it exports.

`read_library` gives the needs as facts; `exported` and `exports` answer what a library offers to others. Names are
decoded as UTF-8 with surrogates for anything else, so that no byte is lost and every name compares equal to itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import repeat
from struct import Struct, unpack

from torchlink.model.native import NativeLibrary, VersionNeed
from torchlink.read.elf_hash import MAX_CHAIN, GnuHashTable, sysv_hash
from torchlink.read.elf_image import MAX_NAME, MAX_PATH, ElfImage

DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_STRSZ = 1, 4, 5, 6, 7, 8, 10
DT_SONAME, DT_RPATH, DT_REL, DT_RELSZ, DT_PLTREL, DT_PLTRELSZ, DT_JMPREL, DT_RUNPATH = 14, 15, 17, 18, 20, 2, 23, 29
DT_GNU_HASH, DT_VERSYM, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = (
    0x6FFFFEF5,
    0x6FFFFFF0,
    0x6FFFFFFC,
    0x6FFFFFFD,
    0x6FFFFFFE,
    0x6FFFFFFF,
)
STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE = 1, 2, 10
STRONG = frozenset(binding << 4 | kind for binding in (STB_GLOBAL, STB_GNU_UNIQUE) for kind in range(16))
"""``st_info`` of symbols that must be found."""
EXPORTED = STRONG | frozenset(STB_WEAK << 4 | kind for kind in range(16))
VER_FLG_BASE, VER_FLG_WEAK = 1, 2
HIDDEN = 0x8000
"""Marks a version index whose symbol is not the default one; the index is the same."""
MAX_VERSIONS = 65536
MAX_SYMBOLS = 1 << 22
CHUNK = 512
MAX_SHARING = 16
"""How often the symbols of a real file use the string table, at most."""
BLOCK = 8192
"""How much of a chain of version records is read at a time, in bytes."""


class DynamicSection:
    """The dynamic section of an open image, decoded on demand."""

    def __init__(self, image: ElfImage) -> None:
        self.image = image
        self._tags = image.dynamic()
        self._strings_at, self.strings_size = self._string_table()
        self._strings: bytes | None = None
        self._table: GnuHashTable | None = None

    def _string_table(self) -> tuple[int, int]:
        address = self._one(DT_STRTAB)
        return (self.image.offset(address), self._one(DT_STRSZ)) if address else (0, 0)

    def _one(self, tag: int) -> int:
        return self._tags.get(tag, (0,))[-1]

    @property
    def strings(self) -> bytes:
        """The whole string table."""
        if self._strings is None:
            strings = self.image.read(self._strings_at, self.strings_size)
            if any(strings.find(b"\0", at, at + MAX_NAME) < 0 for at in range(0, len(strings), MAX_NAME)):
                raise self.image.fail("the string table of the ELF file holds names of more than 64 KiB")
            self._strings = strings
        return self._strings

    def _raw(self, offset: int) -> bytes:
        end = self.strings.find(b"\0", offset, offset + MAX_PATH)
        if end < 0 or offset < 0:
            raise self.image.fail("a name of the ELF file has no end within its string table")
        return self.strings[offset:end]

    def _text(self, offset: int) -> str:
        return self._raw(offset).decode("utf-8", "surrogateescape")

    def names(self, tag: int) -> tuple[str, ...]:
        """The strings that a tag's values point at."""
        return tuple(self._text(offset) for offset in self._tags.get(tag, ()))

    def paths(self, tag: int) -> tuple[str, ...]:
        """The folders of ``DT_RPATH`` or ``DT_RUNPATH``; an empty entry means the current folder and is kept."""
        return tuple(folder for text in self.names(tag) for folder in text.split(":"))

    def version_needs(self) -> tuple[tuple[VersionNeed, ...], frozenset[int]]:
        """``DT_VERNEED``: the versions needed, and the indexes by which ``DT_VERSYM`` refers to them."""
        needs: list[VersionNeed] = []
        indexes: set[int] = set()
        if address := self._one(DT_VERNEED):
            start = self.image.offset(address)
            for position, (_, count, file, aux, _) in self._chain(start, self._one(DT_VERNEEDNUM), "HHIII"):
                library = self._text(file)
                for _, (_, flags, index, name, _) in self._chain(position + aux, count, "IHHII"):
                    needs.append(
                        VersionNeed(library=library, version=self._text(name), weak=bool(flags & VER_FLG_WEAK))
                    )
                    indexes |= {index, index ^ HIDDEN}
                if len(needs) > MAX_VERSIONS:
                    raise self.image.fail("the ELF file claims more than 65536 symbol versions")
        return tuple(needs), frozenset(indexes)

    def version_definitions(self) -> tuple[str, ...]:
        """``DT_VERDEF``: the versions that the library defines, without the one that is only its name."""
        names: list[str] = []
        if address := self._one(DT_VERDEF):
            start = self.image.offset(address)
            for position, (_, flags, _, _, _, aux, _) in self._chain(start, self._one(DT_VERDEFNUM), "HHHHIII"):
                if not flags & VER_FLG_BASE:
                    names.extend(self._text(name) for _, (name, _) in self._chain(position + aux, 1, "II"))
        return tuple(names)

    def _chain(self, position: int, count: int, fields: str) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Records of a linked list, whose last field is the distance to the next, with their positions in the file."""
        record = Struct(self.image.layout.order + fields)
        start, block = position, b""
        for _ in range(min(count, MAX_VERSIONS)):
            if not 0 <= position - start <= len(block) - record.size:
                start = position
                block = self.image.read(start, max(record.size, min(BLOCK, self.image.size - start)))
            values: tuple[int, ...] = record.unpack_from(block, position - start)
            yield position, values
            if not values[-1]:
                return
            position += values[-1]

    def undefined(self, covered: frozenset[int]) -> tuple[str, ...]:
        """Strong undefined symbols, in the table's order, without those bound to a ``covered`` version index."""
        table = self._one(DT_SYMTAB)
        count = self._undefined_end()
        if not table or not count:
            return ()
        symbols = self.image.symbols(self.image.offset(table), count)
        versions = self._version_indexes(count) if covered else repeat(1, count)
        offsets = [
            name
            for name, info, section, version in zip(*symbols, versions, strict=True)
            if not section and info in STRONG and version not in covered and name
        ]
        return self._bulk(offsets)

    def _bulk(self, offsets: list[int]) -> tuple[str, ...]:
        """The names at many offsets."""
        strings = self.strings
        if not offsets:
            return ()
        if max(offsets) >= len(strings) or not strings.endswith(b"\0"):
            raise self.image.fail("a symbol's name has no end within the string table")
        find = strings.find
        names: list[bytes] = []
        allowed = MAX_SHARING * len(strings)
        for start in range(0, len(offsets), CHUNK):
            chunk = [strings[offset : find(b"\0", offset)] for offset in offsets[start : start + CHUNK]]
            allowed -= sum(map(len, chunk))
            if allowed < 0:
                raise self.image.fail("the symbols of the ELF file have more names than its string table")
            names += chunk
        return tuple(b"\0".join(names).decode("utf-8", "surrogateescape").split("\0"))

    def _version_indexes(self, count: int) -> Iterable[int]:
        """The version index of each symbol."""
        address = self._one(DT_VERSYM)
        if not address:
            return repeat(1, count)
        return unpack(f"{self.image.layout.order}{count}H", self.image.read(self.image.offset(address), 2 * count))

    def _undefined_end(self) -> int:
        """An index behind the last undefined symbol.

        The GNU hash table sorts the symbols: those that it does not hold, all undefined ones among them, come first. A
        table that holds none may claim to begin at 1, so it tells nothing.
        """
        table = self.gnu_hash_table()
        if table is not None and table.occupied:
            return table.first
        return self.symbol_count()

    def symbol_count(self) -> int:
        """How many dynamic symbols there are; the null symbol counts."""
        table = self.gnu_hash_table()
        if table is not None and table.occupied:
            return table.end()
        if address := self._one(DT_HASH):
            order = self.image.layout.order
            count: int = unpack(order + "II", self.image.read(self.image.offset(address), 8))[1]
        else:
            count = self._relocated_end()
        if count > MAX_SYMBOLS:
            raise self.image.fail("the ELF file claims more than four million symbols")
        return count

    def _relocated_end(self) -> int:
        """An index behind the last symbol that a relocation refers to: what counts where there is no hash table."""
        wide, order = self.image.layout.wide, self.image.layout.order
        end = 0
        jump_tag = self._one(DT_PLTREL)
        tables = ((DT_RELA, DT_RELASZ, True), (DT_REL, DT_RELSZ, False), (DT_JMPREL, DT_PLTRELSZ, jump_tag == DT_RELA))
        for tag, size_tag, addend in tables:
            if address := self._one(tag):
                record = Struct(order + ("QQ" if wide else "II") + (("q" if wide else "i") if addend else ""))
                size = self._one(size_tag)
                data = self.image.read(self.image.offset(address), size - size % record.size)
                for fields in record.iter_unpack(data):
                    end = max(end, (fields[1] >> (32 if wide else 8)) + 1)
        return end

    def gnu_hash_table(self) -> GnuHashTable | None:
        """``DT_GNU_HASH``, where there is one."""
        if self._table is None and (address := self._one(DT_GNU_HASH)):
            self._table = GnuHashTable(self.image, self.image.offset(address))
        return self._table

    def _is_symbol(self, index: int, name: bytes) -> bool:
        """Whether a symbol has this name and is defined for others."""
        at = self.image.offset(self._one(DT_SYMTAB)) + index * self.image.layout.symbol.size
        (offset,), (info,), (section,) = self.image.symbols(at, 1)
        if not section or info not in EXPORTED or offset + len(name) >= self.strings_size:
            return False
        return self.image.read(self._strings_at + offset, len(name) + 1) == name + b"\0"

    def exports(self) -> frozenset[str]:
        """All symbols that the library offers to others."""
        count, table = self.symbol_count(), self._one(DT_SYMTAB)
        if not table or not count:
            return frozenset()
        symbols = self.image.symbols(self.image.offset(table), count)
        return frozenset(
            self._bulk([name for name, info, section in zip(*symbols, strict=True) if section and info in EXPORTED])
        )

    def names_to_look_up(self) -> AbstractSet[str]:
        """`exports` for thousands of look-ups, several times as fast: the string table, cut at once into its names.

        Besides the exported symbols it holds what else stands in that table: names of libraries and of versions.
        """
        count, table, hashed = self.symbol_count(), self._one(DT_SYMTAB), self.gnu_hash_table()
        if not table or not count or hashed is None or not hashed.occupied:
            return self.exports()
        offsets, infos, sections = self.image.symbols(self.image.offset(table), count)
        first, strings = hashed.first, self.strings
        if 0 in sections[first:] or not EXPORTED.issuperset(infos[first:]):
            return self.exports()
        if max(offsets) >= len(strings):
            raise self.image.fail("a symbol's name lies outside the string table")
        inner = [offset for offset in offsets[first:] if strings[offset - 1]]
        # A linker stores "bar" only as the end of "foobar", where there is such a name.
        names = set(strings.decode("utf-8", "surrogateescape").split("\0"))
        names.difference_update(self._bulk(list(filter(None, offsets[:first]))))
        names.update(self._bulk(inner))
        return names

    def offers(self, name: str) -> bool:
        """Whether the library offers one symbol: a look-up in its hash table, as the dynamic linker does it."""
        raw = name.encode("utf-8", "surrogateescape")
        table = self.gnu_hash_table()
        if table is not None:
            return any(self._is_symbol(index, raw) for index in table.candidates(raw))
        if address := self._one(DT_HASH):
            return any(self._is_symbol(index, raw) for index in self._sysv_candidates(raw, address))
        return False

    def _sysv_candidates(self, name: bytes, address: int) -> Iterator[int]:
        start, order = self.image.offset(address), self.image.layout.order
        buckets, chains = unpack(order + "II", self.image.read(start, 8))
        if not buckets:
            return
        word = Struct(order + "I")
        at = start + 8 + 4 * (sysv_hash(name) % buckets)
        for _ in range(min(chains, MAX_CHAIN)):
            (index,) = word.unpack(self.image.read(at, 4))
            if not index:
                return
            yield index
            at = start + 8 + 4 * (buckets + index)
        raise self.image.fail("a chain of the ELF file's hash table has no end")


@lru_cache(maxsize=4096)
def _need(library: str, version: str, weak: bool) -> VersionNeed:
    """One value for all libraries that need the same version: there are few versions and many libraries."""
    return VersionNeed(library=library, version=version, weak=weak)


def read_library(path: str) -> NativeLibrary:
    """The dynamic section of the ELF file at ``path`` as facts.

    Raises:
        UnreadableError: it is no ELF file, is truncated, or points outside itself.
    """
    with ElfImage(path) as image:
        return library_of(image, DynamicSection(image))


def library_of(image: ElfImage, dynamic: DynamicSection) -> NativeLibrary:
    """The facts of an open image."""
    needs, indexes = dynamic.version_needs()
    runpath = dynamic.paths(DT_RUNPATH)
    return NativeLibrary(
        path=image.path,
        soname="".join(dynamic.names(DT_SONAME)[-1:]),
        machine=image.machine,
        needed=dynamic.names(DT_NEEDED),
        rpath=() if runpath else dynamic.paths(DT_RPATH),
        runpath=runpath,
        version_needs=needs,
        undefined=dynamic.undefined(indexes),
        version_definitions=dynamic.version_definitions(),
    )


def offers(path: str, names: Iterable[str]) -> frozenset[str]:
    """Those of a few names that the library at ``path`` offers to others, looked up in its own hash table.

    Raises:
        UnreadableError: as `read_library`.
    """
    with ElfImage(path) as image:
        dynamic = DynamicSection(image)
        return frozenset(name for name in names if dynamic.offers(name))


def exports(path: str) -> frozenset[str]:
    """All symbols that the library at ``path`` offers to others.

    Raises:
        UnreadableError: as `read_library`.
    """
    with ElfImage(path) as image:
        return DynamicSection(image).exports()
