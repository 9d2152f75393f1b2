"""A zip archive's directory, found the way that torch finds it (miniz: absolute offsets, the last end record).

What another zip reader would see differently (``zipfile`` shifts offsets, forgives and refuses other things) is
reported as a problem. CRCs are not checked here: torch does not check them either.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torchlink.checkpoint.contents import Problem
from torchlink.checkpoint.source import Source
from torchlink.model.errors import UnreadableError

_END = struct.Struct("<4s4H2IH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")

_MOST_ENTRIES = 2_000_000
_MOST_DIRECTORY = 256 << 20
_UTF8_NAME = 0x800
_UNREADABLE_FLAGS = 0x1 | 0x20 | 0x40 | 0x2000
"""Encrypted, patched, strongly encrypted, masked: miniz refuses them, others read on."""


class Entry(NamedTuple):
    """A member. A named tuple, because an archive can have a hundred thousand of them."""

    name: str
    header: int
    """Offset of its local header."""
    size: int
    packed: int
    crc: int
    method: int
    flags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """All members, in the directory's order."""

    entries: tuple[Entry, ...]
    by_name: Mapping[str, Entry]
    """By ASCII-lowercased name, because torch looks up without regard to case; of several the last one."""
    problems: tuple[Problem, ...]
    has_crc: bool
    """False where every CRC is zero: torch was told not to compute them."""

    def find(self, name: str) -> Entry | None:
        return self.by_name.get(fold(name))


def fold(name: str) -> str:
    """A name as miniz compares it: ASCII letters without case."""
    return name.lower() if name.isascii() else "".join(c.lower() if c.isascii() else c for c in name)


def read_directory(source: Source) -> Directory:
    """Read the central directory. Raises ``UnreadableError`` where there is none, or none that torch could read."""
    problems: list[Problem] = []
    count, size, offset = _end_record(source, problems)
    if size > _MOST_DIRECTORY or count > _MOST_ENTRIES:
        raise UnreadableError(f"a zip directory of {count:,} members is too large", where=source.name)
    data = source.read(offset, size)
    if len(data) != size:
        raise UnreadableError("the zip directory lies outside the file", where=source.name)
    entries = _entries(data, count, source, problems)
    by_name = {fold(entry.name): entry for entry in entries}
    if len(by_name) != len(entries):
        problems.append(Problem(detail=f"several members have one name: {_repeated(entries)}"))
    return Directory(
        entries=tuple(entries),
        by_name=by_name,
        problems=tuple(problems),
        has_crc=any(entry.crc for entry in entries),
    )


def _end_record(source: Source, problems: list[Problem]) -> tuple[int, int, int]:
    """How many entries, and the directory's size and offset."""
    start = max(0, source.size - 65_535 - _END.size)
    tail = source.read(start, source.size - start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise UnreadableError("a zip archive without an end: the file is cut off", where=source.name)
    _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(tail, at)
    if len(tail) - at - _END.size != comment:
        problems.append(Problem(detail="bytes after the end of the zip archive"))
    if disk != first_disk or disk > 1 or here != count:
        problems.append(Problem(detail="a zip archive of several disks"))
    end = start + at
    wide = _end64_record(source, end)
    if wide is not None:
        count, size, offset, end = wide
    if offset + size != end:
        problems.append(Problem(detail="the zip directory is not where readers agree on: bytes before or after it"))
    if offset + size > source.size:
        raise UnreadableError("the zip directory lies outside the file", where=source.name)
    return count, size, offset


def _end64_record(source: Source, end: int) -> tuple[int, int, int, int] | None:
    """Count, size and offset from the zip64 record, and where that record begins."""
    locator = source.read(end - _END64_LOCATOR.size, _END64_LOCATOR.size) if end >= _END64_LOCATOR.size else b""
    if locator[:4] != b"PK\x06\x07":
        return None
    at: int = _END64_LOCATOR.unpack(locator)[2]
    record = source.read(at, _END64.size)
    if len(record) != _END64.size or record[:4] != b"PK\x06\x06":
        raise UnreadableError("the zip64 end record is missing", where=source.name)
    fields = _END64.unpack(record)
    return fields[7], fields[8], fields[9], at


def _entries(data: bytes, count: int, source: Source, problems: list[Problem]) -> list[Entry]:
    entries: list[Entry] = []
    position = 0
    unpack, length, fixed = _CENTRAL.unpack_from, len(data), _CENTRAL.size
    while len(entries) < count:
        if position + fixed > length or data[position : position + 4] != b"PK\x01\x02":
            raise UnreadableError(f"the zip directory ends after {len(entries):,} of {count:,}", where=source.name)
        (_, _, _, flags, method, _, _, crc, packed, size, name_size, extra_size, comment_size, _, _, _, header) = (
            unpack(data, position)
        )
        position += fixed
        raw = data[position : position + name_size]
        position += name_size
        if packed == 0xFFFFFFFF or size == 0xFFFFFFFF or header == 0xFFFFFFFF:
            size, packed, header = _wide(data[position : position + extra_size], size, packed, header)
        position += extra_size + comment_size
        entries.append(Entry(_name(raw), header, size, packed, crc, method, flags))
        if flags & _UNREADABLE_FLAGS:
            problems.append(Problem(detail=f"{_name(raw)}: zip flags 0x{flags:x}, which readers take differently"))
    if position != length:
        problems.append(Problem(detail="bytes after the last entry of the zip directory"))
    return entries


def _name(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _wide(extra: bytes, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """Sizes and offset from a zip64 extra field: only those that did not fit."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        body = extra[position + 4 : position + 4 + length]
        position += 4 + length
        if kind != 1:
            continue
        values = iter(struct.unpack(f"<{len(body) // 8}Q", body[: len(body) // 8 * 8]))
        size = next(values, size) if size == 0xFFFFFFFF else size
        packed = next(values, packed) if packed == 0xFFFFFFFF else packed
        header = next(values, header) if header == 0xFFFFFFFF else header
    return size, packed, header


def _repeated(entries: list[Entry]) -> str:
    seen: set[str] = set()
    for entry in entries:
        name = fold(entry.name)
        if name in seen:
            return entry.name
        seen.add(name)
    return ""


def data_offset(source: Source, entry: Entry) -> tuple[int, tuple[Problem, ...]]:
    """Where a member's bytes begin, and how its local header contradicts the directory."""
    return offset_behind_header(source, entry.header, entry)


def offset_behind_header(source: Source, header: int, entry: Entry | None = None) -> tuple[int, tuple[Problem, ...]]:
    """As ``data_offset``, for a member of which only the local header's offset is known."""
    local = source.read(header, _LOCAL.size + 4096)
    if len(local) < _LOCAL.size or local[:4] != b"PK\x03\x04":
        raise UnreadableError(f"no member at byte {header:,}", where=source.name)
    _, _, flags, method, _, _, _, _, _, name_size, extra_size = _LOCAL.unpack_from(local)
    problems: list[Problem] = []
    if entry is not None:
        name = local[_LOCAL.size : _LOCAL.size + name_size]
        if len(name) == name_size and _name(name) != entry.name:
            problems.append(Problem(detail=f"{entry.name}: its own header calls it {_name(name)!r}"))
        if method != entry.method or flags & _UNREADABLE_FLAGS != entry.flags & _UNREADABLE_FLAGS:
            problems.append(Problem(detail=f"{entry.name}: its own header and the directory contradict each other"))
    return header + _LOCAL.size + name_size + extra_size, tuple(problems)


def read_member(source: Source, entry: Entry, limit: int) -> tuple[bytes, tuple[Problem, ...]]:
    """A member's bytes, unpacked, whatever its CRC says.

    Raises ``UnreadableError`` where it is larger than ``limit``, cut off, or packed in a way that torch cannot read.
    """
    if entry.size > limit:
        raise UnreadableError(f"{entry.name}: {entry.size:,} bytes are too many to read", where=source.name)
    offset, problems = data_offset(source, entry)
    raw = source.read(offset, min(entry.packed, limit))
    if entry.method == 0:
        if len(raw) != entry.size:
            raise UnreadableError(f"{entry.name}: cut off", where=source.name)
        return raw, problems
    if entry.method != 8:
        raise UnreadableError(f"{entry.name}: zip method {entry.method} is not read", where=source.name)
    unpacker = zlib.decompressobj(-15)
    try:
        data = unpacker.decompress(raw, entry.size + 1)
    except zlib.error as error:
        raise UnreadableError(f"{entry.name}: its packed bytes are broken", where=source.name) from error
    if len(data) != entry.size:
        problems += (Problem(detail=f"{entry.name}: {len(data):,} bytes unpacked, {entry.size:,} announced"),)
    return data, problems
