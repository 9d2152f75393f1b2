"""A wheel as an archive: its directory, and the bytes of single members, with bounds on all of them.

``zipfile`` reads the directory, over a file on disk or over HTTP ranges. Members are inflated here and not by
``zipfile``: what is kept of Python source stays compressed as it is in the wheel, and of a library of gigabytes only
the parts that hold its tables are kept, while its bytes stream by.
"""

from __future__ import annotations

import os
import posixpath
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from typing import IO

from torchlink.model.errors import UnreadableError

MAX_MEMBERS = 200_000
MAX_DIRECTORY_DEPTH = 48
MAX_TEXT = 32 * 2**20
"""A larger member is no source that anybody parses."""
KEPT_HEAD = 256 * 2**20
KEPT_TAIL = 128 * 2**20
"""A library's tables lie at its beginning, or at its end where a tool has appended them. In bytes."""
INFLATED_FREELY = 2**30
INFLATED_PER_BYTE = 40
"""All members of a wheel together may inflate to so many bytes and so many times its size: libraries full of zeros
reach ten times."""
_LOCAL = struct.Struct("<4s5H3I2H")
_CHUNK = 2**20
_DEFLATED = zipfile.ZIP_DEFLATED


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a wheel, as its directory describes it."""

    name: str
    """With ``/`` between folders."""
    offset: int
    """Of its local header."""
    packed: int
    size: int
    crc: int
    method: int


@dataclass(frozen=True, slots=True)
class PackedMember:
    """A member's bytes as they are in the wheel."""

    data: bytes
    size: int
    crc: int
    method: int

    def unpacked(self, where: str) -> bytes:
        """The member's bytes.

        Raises:
            UnreadableError: they are damaged, or not as long as the directory says.
        """
        if self.method != _DEFLATED:
            data = self.data
        else:
            try:
                data = zlib.decompressobj(-15).decompress(self.data, self.size + 1)
            except zlib.error as error:
                raise UnreadableError(f"cannot be unpacked ({error})", where=where) from None
        if len(data) != self.size or zlib.crc32(data) != self.crc:
            raise UnreadableError("is damaged: its length or checksum is wrong", where=where)
        return data


class HeldStorage:
    """The beginning and the end of a file whose bytes streamed by; the whole of one up to 384 MB."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        room = KEPT_HEAD - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if chunk:
            self._tail.append(chunk)
            self._tail_bytes += len(chunk)
            while self._tail_bytes - len(self._tail[0]) > KEPT_TAIL:
                self._tail_bytes -= len(self._tail.popleft())

    def read_at(self, offset: int, size: int) -> bytes:
        """Bytes that are kept.

        Raises:
            UnreadableError: they are not.
        """
        stop = min(offset + size, self.size)
        if stop <= len(self._head):
            return bytes(memoryview(self._head)[offset:stop])
        at = self.size - self._tail_bytes
        if offset < at and at > len(self._head):
            raise UnreadableError("a table lies in the part of a large library that is not kept")
        parts = [bytes(memoryview(self._head)[offset:])] if offset < len(self._head) else []
        for chunk in self._tail:
            if at < stop and at + len(chunk) > offset:
                parts.append(chunk[max(0, offset - at) : stop - at])
            at += len(chunk)
        return b"".join(parts)

    def close(self) -> None:
        """Let the bytes go."""
        self._head = bytearray()
        self._tail.clear()


class WheelArchive:
    """An open wheel. Members are read best in the order of ``members``, which is that of their bytes."""

    def __init__(self, file: RawIOBase | IO[bytes], where: str, size: int) -> None:
        """Read the directory.

        Args:
            file: seekable; it stays the caller's to close.
            where: the wheel's name, for errors.
            size: in bytes.

        Raises:
            UnreadableError: it is no zip file, or one with hostile entries.
        """
        self._file = file
        self.where = where
        self._allowance = INFLATED_FREELY + INFLATED_PER_BYTE * size
        try:
            with zipfile.ZipFile(file) as archive:
                infos = archive.infolist()
        except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, NotImplementedError, struct.error) as error:
            raise UnreadableError(f"is no wheel that can be read ({error})", where=where) from None
        if len(infos) > MAX_MEMBERS:
            raise UnreadableError(f"has more than {MAX_MEMBERS} members", where=where)
        found = (_member(info) for info in sorted(infos, key=lambda info: info.header_offset))
        self.members: tuple[Member, ...] = tuple(member for member in found if member is not None)

    def packed(self, member: Member) -> PackedMember:
        """A member of at most 32 MB as it is in the wheel.

        Raises:
            UnreadableError: it is larger, or not where the directory says.
        """
        if member.size > MAX_TEXT or member.packed > MAX_TEXT:
            raise UnreadableError("is larger than 32 MB", where=f"{self.where}/{member.name}")
        self._spend(member, member.size)
        self._seek(member)
        data = self._file.read(member.packed) or b""
        return PackedMember(data, member.size, member.crc, member.method)

    def held(self, member: Member) -> HeldStorage:
        """The bytes of a native library, as far as they can be of use.

        Raises:
            UnreadableError: they are damaged, or more than the directory says.
        """
        storage, crc, length = HeldStorage(member.size), 0, 0
        for chunk in self._chunks(member):
            self._spend(member, len(chunk))
            crc, length = zlib.crc32(chunk, crc), length + len(chunk)
            if length > member.size:
                break
            storage.add(chunk)
        if length != member.size or crc != member.crc:
            raise UnreadableError("is damaged: its length or checksum is wrong", where=f"{self.where}/{member.name}")
        return storage

    def _chunks(self, member: Member) -> Iterator[bytes]:
        self._seek(member)
        rest = member.packed
        inflate = zlib.decompressobj(-15) if member.method == _DEFLATED else None
        try:
            while rest > 0 and (data := self._file.read(min(_CHUNK, rest))):
                rest -= len(data)
                if inflate is None:
                    yield data
                    continue
                while data:
                    yield inflate.decompress(data, 4 * _CHUNK)
                    data = inflate.unconsumed_tail
            if inflate is not None:
                yield inflate.flush()
        except zlib.error as error:
            raise UnreadableError(f"cannot be unpacked ({error})", where=f"{self.where}/{member.name}") from None

    def _seek(self, member: Member) -> None:
        """Go to a member's bytes, behind its local header."""
        self._file.seek(member.offset)
        header = self._file.read(_LOCAL.size) or b""
        if len(header) < _LOCAL.size or header[:4] != b"PK\3\4":
            raise UnreadableError("is not where the directory says", where=f"{self.where}/{member.name}")
        name, extra = _LOCAL.unpack(header)[-2:]
        self._file.seek(member.offset + _LOCAL.size + name + extra, os.SEEK_SET)

    def _spend(self, member: Member, size: int) -> None:
        self._allowance -= size
        if self._allowance < 0:
            raise UnreadableError("inflates to far more than any wheel does", where=f"{self.where}/{member.name}")


def _member(info: zipfile.ZipInfo) -> Member | None:
    """A file that an installer would unpack below the environment; ``None`` for folders and for anything hostile."""
    name = info.filename
    normal = posixpath.normpath(name)
    hostile = normal != name or name.startswith(("/", "..")) or "\\" in name or name.count("/") > MAX_DIRECTORY_DEPTH
    hostile = hostile or info.header_offset < 0
    if info.is_dir() or hostile or info.flag_bits & 1 or info.compress_type not in {zipfile.ZIP_STORED, _DEFLATED}:
        return None
    return Member(name, info.header_offset, info.compress_size, info.file_size, info.CRC, info.compress_type)
