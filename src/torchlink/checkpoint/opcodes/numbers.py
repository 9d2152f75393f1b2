"""Opcodes of constants and numbers."""

from __future__ import annotations

import re
import struct

from torchlink.checkpoint.machine import Machine, PickleError

_u16 = struct.Struct("<H").unpack_from
_i32 = struct.Struct("<i").unpack_from
_f64 = struct.Struct(">d").unpack_from
_DECIMAL = re.compile(rb"-?(0|[1-9][0-9]{0,4000})\Z").match
_FLOAT = re.compile(rb"-?([0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|inf|nan)\Z").match


def op_none(m: Machine) -> None:
    m.stack.append(None)


def op_true(m: Machine) -> None:
    m.stack.append(True)


def op_false(m: Machine) -> None:
    m.stack.append(False)


def op_binint(m: Machine) -> None:
    m.stack.append(_i32(m.buffer, m.position)[0])
    m.position += 4
    m.room -= 32


def op_binint1(m: Machine) -> None:
    position = m.position
    m.stack.append(m.buffer[position])
    m.position = position + 1


def op_binint2(m: Machine) -> None:
    m.stack.append(_u16(m.buffer, m.position)[0])
    m.position += 2
    m.room -= 32


def op_binfloat(m: Machine) -> None:
    m.stack.append(_f64(m.buffer, m.position)[0])
    m.position += 8
    m.room -= 24


def op_int(m: Machine) -> None:
    line = m.line()
    if line in (b"00", b"01"):
        m.stack.append(line == b"01")
        return
    if _DECIMAL(line):
        m.stack.append(int(line))
        m.room -= 32 + len(line)
        return
    m.deviates(f"INT {line[:20]!r}")
    m.stack.append(_c_integer(line))


def _c_integer(line: bytes) -> int | bool:
    """As ``strtol`` with base 0 reads it, and ``PyLong_FromString`` after that."""
    text = line.decode("ascii", "replace").strip()
    value = int(text[:4000], 8 if re.match(r"[+-]?0[0-7]+\Z", text) else 0)
    return bool(value) if len(line) == 2 and value in (0, 1) else value


def op_long(m: Machine) -> None:
    line = m.line()
    digits = line[:-1] if line.endswith(b"L") else line
    m.room -= 32 + len(line)
    if _DECIMAL(digits):
        m.stack.append(int(digits))
        return
    m.deviates(f"LONG {line[:20]!r}")
    m.stack.append(int(digits[:4000].decode("ascii", "replace"), 0))


def op_long1(m: Machine) -> None:
    length = m.buffer[m.position]
    m.position += 1
    m.stack.append(int.from_bytes(m.take(length), "little", signed=True))
    m.room -= 32 + length


def op_long4(m: Machine) -> None:
    length: int = _i32(m.buffer, m.position)[0]
    m.position += 4
    if length < 0:
        raise PickleError("LONG4 of a negative length")
    m.spend(32 + length)
    m.stack.append(int.from_bytes(m.take(length), "little", signed=True))


def op_float(m: Machine) -> None:
    line = m.line()
    if not _FLOAT(line):
        m.deviates(f"FLOAT {line[:20]!r}")
    m.stack.append(float(line.decode("ascii", "replace").replace("_", "?")))
    m.room -= 24
