"""The parts of an ELF file that a dynamic linker looks at, read by address through the program headers.

Everything is found from ``PT_DYNAMIC``, never from section headers: ``strip`` and ``patchelf`` may leave those wrong,
and the dynamic linker does not read them either. The one exception is `ElfImage.section`, a shortcut to strings.

The file is read with bounded reads instead of being mapped: a file that shrinks under a mapping, because somebody
reinstalls a package at this moment, kills the process with SIGBUS; a short read is an error that can be told.

Format: System V ABI, chapters 4 and 5; GNU extensions as in the Linux Standard Base (symbol versioning) and in
glibc's ``elf.h``.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO
from types import TracebackType
from typing import Protocol

from torchlink.model.errors import UnreadableError

MAGIC = b"\x7fELF"
MAX_TABLE = 256 * 1024 * 1024
"""No table of a real library is larger (libtorch_cpu's string table has 15 MiB)."""
MAX_DYNAMIC_ENTRIES = 4096
MAX_NAME = 1 << 16
MAX_PATH = 1 << 13
"""For names of libraries, folders and versions."""
HEAD = 1 << 16
"""So much is read at once: the whole of most files, and the tables of most others."""

NATIVE_ORDER = "<" if sys.byteorder == "little" else ">"

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
PF_W = 2

MACHINES = {
    3: "i686",
    8: "mips",
    20: "ppc",
    21: "ppc64",
    22: "s390x",
    40: "armv7l",
    62: "x86_64",
    183: "aarch64",
    243: "riscv64",
    258: "loongarch64",
}
"""``e_machine`` to the name that platform tags use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one class and byte order lays out the tables."""

    order: str
    """``<`` or ``>``."""
    wide: bool
    """64-bit."""
    header: struct.Struct
    segment: struct.Struct
    section: struct.Struct
    dynamic: struct.Struct
    symbol: struct.Struct
    word: struct.Struct
    """A word of the GNU hash table's Bloom filter."""


def _layout(wide: bool, order: str) -> Layout:
    pick = ("HHIQQQIHHHHHH", "IIQQQQQQ", "IIQQQQIIQQ", "QQ", "IBBHQQ", "Q")
    if not wide:
        pick = ("HHIIIIIHHHHHH", "IIIIIIII", "IIIIIIIIII", "II", "IIIBBH", "I")
    header, segment, section, dynamic, symbol, word = (struct.Struct(order + fields) for fields in pick)
    return Layout(
        order=order,
        wide=wide,
        header=header,
        segment=segment,
        section=section,
        dynamic=dynamic,
        symbol=symbol,
        word=word,
    )


_LAYOUTS = {(kind, data): _layout(kind == 2, "<>"[data - 1]) for kind in (1, 2) for data in (1, 2)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A loadable part of the file."""

    address: int
    offset: int
    size: int
    """Bytes in the file."""
    flags: int


class Storage(Protocol):
    """Where a file's bytes are: on disk, or held in memory by whoever unpacks them."""

    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes from ``offset`` on.

        Raises:
            OSError: the file cannot be read.
            UnreadableError: these bytes are not kept.
        """
        ...

    def close(self) -> None:
        """Let the file go."""
        ...


class DiskStorage:
    """A file on disk."""

    def __init__(self, path: str) -> None:
        """Open it.

        Raises:
            UnreadableError: it cannot be opened.
        """
        try:
            self._file = FileIO(path, "rb")
            self.size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise UnreadableError(error.strerror or "cannot be opened", where=path) from error

    if sys.platform == "win32":

        def read_at(self, offset: int, size: int) -> bytes:
            """At most ``size`` bytes from ``offset`` on."""
            self._file.seek(offset)
            return self._file.read(size)

    else:

        def read_at(self, offset: int, size: int) -> bytes:
            """At most ``size`` bytes from ``offset`` on."""
            return os.pread(self._file.fileno(), size, offset)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ElfImage:
    """An open ELF file. A context manager; every read is checked against the file's size."""

    def __init__(self, path: str, storage: Storage | None = None) -> None:
        """Open a file on disk, or read the ``storage`` that holds its bytes; ``path`` is then only its name."""
        self.path = path
        self._storage = DiskStorage(path) if storage is None else storage
        self.size = self._storage.size
        try:
            self._head = self._storage.read_at(0, HEAD)
            self._read_headers()
        except OSError as error:
            self._storage.close()
            raise UnreadableError(error.strerror or "cannot be read", where=path) from error
        except UnreadableError:
            self._storage.close()
            raise

    def __enter__(self) -> ElfImage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._storage.close()

    def fail(self, what: str) -> UnreadableError:
        """The error to raise for this file."""
        return UnreadableError(what, where=self.path)

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the file.

        Raises:
            UnreadableError: they lie outside the file, or are too many.
        """
        if size > MAX_TABLE:
            raise self.fail("a table of the ELF file is larger than 256 MiB")
        end = offset + size
        if offset < 0 or size < 0 or end > self.size:
            raise self.fail("the ELF file is truncated or points outside itself")
        if end <= len(self._head):
            return self._head[offset:end]
        try:
            data = self._storage.read_at(offset, size)
        except OSError as error:
            raise self.fail(error.strerror or "cannot be read") from error
        if len(data) != size:
            raise self.fail("the file changed while it was read")
        return data

    def words(self, offset: int, count: int) -> Sequence[int]:
        """``count`` 32-bit words of the file."""
        data = self.read(offset, 4 * count)
        if self.layout.order == NATIVE_ORDER:
            return memoryview(data).cast("I")
        return struct.unpack(f"{self.layout.order}{count}I", data)

    def _read_headers(self) -> None:
        head = self._head
        if head[:4] != MAGIC or len(head) < 52:
            raise self.fail("is not an ELF file")
        layout = _LAYOUTS.get((head[4], head[5]))
        if layout is None or len(head) < 16 + layout.header.size:
            raise self.fail("is an ELF file of an unknown class or byte order")
        self.layout = layout
        fields = layout.header.unpack_from(head, 16)
        self.type: int = fields[0]
        self.machine = MACHINES.get(fields[1], f"machine-{fields[1]}")
        self._section_table = (fields[5], fields[10], fields[11], fields[12])
        self._read_segments(head, fields[4], fields[8], fields[9])

    def _read_segments(self, head: bytes, offset: int, entry: int, count: int) -> None:
        if count and entry != self.layout.segment.size:
            raise self.fail("the ELF file's program headers have an unknown size")
        size = entry * count
        table = head[offset : offset + size] if offset + size <= len(head) else self.read(offset, size)
        self.segments: list[Segment] = []
        self.dynamic_at = (0, 0)
        self.interpreter_at = (0, 0)
        for fields in self.layout.segment.iter_unpack(table):
            if self.layout.wide:
                kind, flags, start, address, _, in_file, _, _ = fields
            else:
                kind, start, address, _, in_file, _, flags, _ = fields
            if kind == PT_LOAD:
                self.segments.append(Segment(address=address, offset=start, size=in_file, flags=flags))
            elif kind == PT_DYNAMIC:
                self.dynamic_at = (start, in_file)
            elif kind == PT_INTERP:
                self.interpreter_at = (start, in_file)

    def offset(self, address: int) -> int:
        """Where an address lies in the file.

        Raises:
            UnreadableError: no loadable segment holds it.
        """
        for segment in self.segments:
            if 0 <= address - segment.address < segment.size:
                return segment.offset + address - segment.address
        raise self.fail("the ELF file's dynamic section points outside its segments")

    def dynamic(self) -> dict[int, list[int]]:
        """The dynamic section: the values of each tag in order; empty for a statically linked file.

        Raises:
            UnreadableError: it lies outside the file.
        """
        start, size = self.dynamic_at
        entry = self.layout.dynamic.size
        size = min(size, entry * MAX_DYNAMIC_ENTRIES)
        values: dict[int, list[int]] = {}
        for tag, value in self.layout.dynamic.iter_unpack(self.read(start, size - size % entry)):
            if tag == 0:
                break
            values.setdefault(tag, []).append(value)
        return values

    def section(self, name: bytes) -> tuple[int, int] | None:
        """Offset and size of a named section in the file; ``None`` where the section headers do not tell."""
        start, entry, count, names = self._section_table
        if entry != self.layout.section.size or not 0 < names < count:
            return None
        try:
            table = list(self.layout.section.iter_unpack(self.read(start, entry * count)))
            strings = self.read(table[names][4], min(table[names][5], MAX_NAME))
        except UnreadableError:
            return None
        for fields in table:
            if strings.startswith(name + b"\0", fields[0]) and fields[4] + fields[5] <= self.size:
                return fields[4], fields[5]
        return None

    def interpreter(self) -> str:
        """The dynamic linker that an executable asks for, ``/lib64/ld-linux-x86-64.so.2``; empty where it asks for
        none."""
        start, size = self.interpreter_at
        return os.fsdecode(self.read(start, min(size, MAX_NAME)).rstrip(b"\0"))

    def symbols(self, offset: int, count: int) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        """``count`` entries of a symbol table, as columns: the names' offsets, ``st_info``, the sections' indexes."""
        size = self.layout.symbol.size
        data = self.read(offset, count * size)
        if self.layout.wide and self.layout.order == NATIVE_ORDER:
            # Strided views give the columns without an object per field: a third of the time for libtorch's 77,000.
            view = memoryview(data)
            return view.cast("I")[:: size // 4].tolist(), data[4::size], view.cast("H")[3 :: size // 2].tolist()
        rows = list(self.layout.symbol.iter_unpack(data))
        info, section = (1, 3) if self.layout.wide else (3, 5)
        return [row[0] for row in rows], [row[info] for row in rows], [row[section] for row in rows]
