"""Opcodes of the stack, the memo and the frame of a pickle."""

from __future__ import annotations

import re
import struct

from torchlink.checkpoint.machine import FrameStart, Machine, PickleError, Stop

_CONTAINER = 110
"""Bytes that a container costs at least."""
_u32 = struct.Struct("<I").unpack_from
_u64 = struct.Struct("<Q").unpack_from
_INDEX = re.compile(rb"(0|[1-9][0-9]{0,15})\Z").match


def op_mark(m: Machine) -> None:
    m.below.append(m.stack)
    m.stack = []
    m.room -= _CONTAINER


def op_pop(m: Machine) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.pop_mark()


def op_pop_mark(m: Machine) -> None:
    m.pop_mark()


def op_dup(m: Machine) -> None:
    m.stack.append(m.stack[-1])


def op_binput(m: Machine) -> None:
    position = m.position
    m.position = position + 1
    m.memoize(m.buffer[position])


def op_long_binput(m: Machine) -> None:
    index: int = _u32(m.buffer, m.position)[0]
    m.position += 4
    memo = m.memo
    if index == len(memo):
        memo.append(m.stack[-1])
    else:
        m.memoize(index)


def op_put(m: Machine) -> None:
    m.memoize(_index(m, "PUT"))


def op_memoize(m: Machine) -> None:
    # _pickle numbers by how many entries the memo has; a gap makes that differ from the list's length.
    m.memoize(len(m.memo) - m.gaps)


def op_binget(m: Machine) -> None:
    position = m.position
    m.position = position + 1
    m.recall(m.buffer[position])


def op_long_binget(m: Machine) -> None:
    index: int = _u32(m.buffer, m.position)[0]
    m.position += 4
    m.recall(index)


def op_get(m: Machine) -> None:
    m.recall(_index(m, "GET"))


def _index(m: Machine, opcode: str) -> int:
    line = m.line()
    if _INDEX(line):
        return int(line)
    m.deviates(f"{opcode} {line[:20]!r}")
    index = int(line[:40].decode("ascii", "replace"))
    if index < 0:
        raise PickleError(f"{opcode} of a negative number")
    return index


def op_proto(m: Machine) -> None:
    protocol = m.buffer[m.position]
    m.position += 1
    if protocol > 5:
        raise PickleError(f"protocol {protocol} is not known")
    m.protocol = protocol


def op_frame(m: Machine) -> None:
    length: int = _u64(m.buffer, m.position)[0]
    m.position += 8
    if length > len(m.buffer) - m.position:
        raise PickleError("a frame that is cut off")
    if m.position - 9 < m.frame_end:
        m.deviates("FRAME inside a frame")
    m.frame_end = m.position + length
    if not m.framed:
        m.framed = True
        raise FrameStart


def op_stop(m: Machine) -> None:
    m.root = m.stack.pop()
    raise Stop
