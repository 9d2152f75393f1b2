"""Opcodes of text and bytes."""

from __future__ import annotations

import codecs
import struct

from torchlink.checkpoint.machine import Machine, PickleError
from torchlink.checkpoint.values import Blob, BlobKind

_LARGE = 1 << 16
_SMALL = 1 << 10
_CONTAINER = 110
"""Bytes that a container costs at least."""
_i32 = struct.Struct("<i").unpack_from
_u32 = struct.Struct("<I").unpack_from
_u64 = struct.Struct("<Q").unpack_from


def _text(m: Machine, length: int) -> None:
    if length >= _LARGE:
        _blob(m, BlobKind.TEXT, length)
        return
    start = m.position
    data = m.buffer[start : start + length]
    if len(data) != length:
        raise PickleError("it is cut off")
    m.position = start + length
    text = str(data, "utf-8", "surrogatepass")
    m.stack.append(text)
    m.room -= 60 + length if text.isascii() else 60 + 4 * length
    if length > _SMALL:
        m.spend(0)


def _bytes(m: Machine, length: int) -> None:
    if length >= _LARGE:
        _blob(m, BlobKind.BYTES, length)
        return
    m.stack.append(m.take(length))
    m.spend(40 + length)


def _string(m: Machine, length: int) -> None:
    """A Python 2 string: torch decodes it as UTF-8."""
    if length >= _LARGE:
        _blob(m, BlobKind.STRING, length)
        return
    m.stack.append(_python2_text(m.take(length)))
    m.spend(60 + length)


def _python2_text(data: bytes) -> str | bytes:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _blob(m: Machine, kind: BlobKind, length: int) -> None:
    start = m.position
    if length > len(m.buffer) - start:
        raise PickleError("it is cut off")
    m.stack.append(Blob(kind, start, length))
    m.position = start + length
    m.spend(_CONTAINER)


def op_binunicode(m: Machine) -> None:
    length: int = _u32(m.buffer, m.position)[0]
    m.position += 4
    _text(m, length)


def op_short_binunicode(m: Machine) -> None:
    length = m.buffer[m.position]
    m.position += 1
    _text(m, length)


def op_binunicode8(m: Machine) -> None:
    length: int = _u64(m.buffer, m.position)[0]
    m.position += 8
    _text(m, length)


def op_binbytes(m: Machine) -> None:
    length: int = _u32(m.buffer, m.position)[0]
    m.position += 4
    _bytes(m, length)


def op_short_binbytes(m: Machine) -> None:
    length = m.buffer[m.position]
    m.position += 1
    _bytes(m, length)


def op_binbytes8(m: Machine) -> None:
    length: int = _u64(m.buffer, m.position)[0]
    m.position += 8
    _bytes(m, length)


def op_bytearray8(m: Machine) -> None:
    length: int = _u64(m.buffer, m.position)[0]
    m.position += 8
    _blob(m, BlobKind.BYTEARRAY, length)


def op_binstring(m: Machine) -> None:
    length: int = _i32(m.buffer, m.position)[0]
    m.position += 4
    if length < 0:
        raise PickleError("BINSTRING of a negative length")
    _string(m, length)


def op_short_binstring(m: Machine) -> None:
    length = m.buffer[m.position]
    m.position += 1
    _string(m, length)


def op_quoted_string(m: Machine) -> None:
    line = m.line()
    if len(line) < 2 or line[0] != line[-1] or line[0] not in b"'\"":
        raise PickleError("STRING without its quotes")
    data: object = codecs.escape_decode(line[1:-1])[0]
    if not isinstance(data, bytes):
        raise PickleError("STRING that is no string")
    m.spend(60 + len(line))
    m.stack.append(_python2_text(data))


def op_unicode(m: Machine) -> None:
    line = m.line()
    m.spend(60 + 4 * len(line))
    m.stack.append(line.decode("raw-unicode-escape"))
