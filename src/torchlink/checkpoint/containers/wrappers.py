"""Compressed files: what is inside is read as a file of its own."""

from __future__ import annotations

import zlib
from typing import Protocol

from torchlink.checkpoint.source import MemorySource, Source
from torchlink.model.errors import UnreadableError

_CHUNK = 1 << 20

UNREAD = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x04\x22\x4d\x18": "an lz4 stream",
    b"\x28\xb5\x2f\xfd": "a zstd stream",
    b"ZF0x": "a joblib file of before 0.10",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"GGUF": "a GGUF file",
    b"PK\x05\x06": "an empty zip archive",
}
"""Known by their first bytes, and not read."""

FOREIGN = {b"\x7fELF": "an ELF file", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"%PDF": "a PDF document"}
"""Known by their first bytes not to be checkpoints."""


def packing(head: bytes) -> str:
    """Which method packs a file that begins so: ``gzip``, ``bz2``, ``xz``, ``zlib``; empty for none that is known."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:3] == b"BZh" and head[4:10] == b"1AY&SY":
        return "bz2"
    if head[:6] == b"\xfd7zXZ\x00" or head[:3] == b"\x5d\x00\x00":
        return "xz"
    if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0:
        return "zlib"
    return ""


def unpack(source: Source, method: str, limit: int) -> MemorySource:
    """The whole of what is packed. Raises ``UnreadableError`` where that is over ``limit`` bytes, or broken."""
    pieces: list[bytes] = []
    room = limit
    position = 0
    while position < source.size:
        unpacker = _unpacker(method)
        data = source.read(position, _CHUNK)
        position += len(data)
        while data and not unpacker.eof:
            room = _feed(unpacker, data, pieces, room, source)
            if not unpacker.eof:
                data = source.read(position, _CHUNK)
                position += len(data)
        if not unpacker.eof:
            raise UnreadableError(f"its {method} data are cut off", where=source.name)
        position -= len(unpacker.unused_data)
        if not source.read(position, 16).strip(b"\x00"):
            break
        if packing(source.read(position, 16)) != method:
            raise UnreadableError(f"other bytes after its {method} data", where=source.name)
    return MemorySource(b"".join(pieces), source.name)


class _Unpacker(Protocol):
    """What the decompressors of the standard library have in common."""

    def decompress(self, data: bytes, max_length: int) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


class _Zlib:
    """zlib's decompressor, which leaves it to its caller to keep what did not fit."""

    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(bits)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _unpacker(method: str) -> _Unpacker:
    if method == "bz2":
        import bz2

        return bz2.BZ2Decompressor()
    if method == "xz":
        import lzma

        return lzma.LZMADecompressor(memlimit=128 << 20)
    return _Zlib(31 if method == "gzip" else 15)


def _feed(unpacker: _Unpacker, data: bytes, pieces: list[bytes], room: int, source: Source) -> int:
    """Unpack a chunk, in pieces, and return what room is left."""
    from lzma import LZMAError

    while not unpacker.eof:
        try:
            piece = unpacker.decompress(data, _CHUNK)
        except (OSError, EOFError, zlib.error, LZMAError) as error:
            raise UnreadableError("its packed bytes are broken", where=source.name) from error
        data = b""
        room -= len(piece)
        if room < 0:
            raise UnreadableError("it unpacks to more than can be looked into", where=source.name)
        pieces.append(piece)
        if len(piece) < _CHUNK:
            break
    return room
