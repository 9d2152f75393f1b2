"""Follow a pickle from its first opcode to its STOP."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from functools import partial

from torchlink.checkpoint.machine import FrameStart, Handler, LimitError, Limits, Machine, Pickle, PickleError, Stop
from torchlink.checkpoint.opcodes import HANDLERS

_CHUNK = 4096
_LONG_BINPUT, _BINPUT, _BININT1, _BINGET = b"rqKh"
_u32 = struct.Struct("<I").unpack_from
DEFAULT_LIMITS = Limits()


def run(
    buffer: bytes | mmap.mmap,
    start: int = 0,
    *,
    limits: Limits = DEFAULT_LIMITS,
    after_build: Callable[[Machine, object], None] | None = None,
    handlers: tuple[Handler, ...] = (),
) -> Pickle:
    """Follow one pickle from ``start`` to its STOP, or to where C's unpickler would give up. Raises nothing.

    Args:
        buffer: What holds the pickle.
        start: Where it begins.
        limits: What it may cost.
        after_build: Called after each BUILD, and free to move the machine on.
        handlers: Other functions for the opcodes, for callers that look at each of them.
    """
    machine = Machine(buffer=buffer, position=start, limits=limits, room=limits.memory, after_build=after_build)
    error, limit = "", False
    try:
        _follow(machine, limits.opcodes, handlers)
        raise LimitError(f"it has more than {limits.opcodes:,} opcodes")
    except Stop:
        pass
    except LimitError as reason:
        error, limit = str(reason), True
    except (PickleError, IndexError, struct.error, UnicodeDecodeError, ValueError, OverflowError) as reason:
        error = _explain(machine, reason)
    return Pickle(
        start=start,
        end=min(machine.position, len(buffer)),
        root=machine.root,
        globals=tuple(machine.globals.values()),
        opaque_calls=tuple(machine.opaque_calls),
        persistent=tuple(machine.persistent),
        extensions=tuple(machine.extensions),
        protocol=machine.protocol,
        opcodes=min(machine.followed, machine.position - start),
        memory=limits.memory - machine.room,
        deviations=tuple(machine.deviations),
        error=error,
        limit=limit,
    )


def _follow(machine: Machine, opcodes: int, handlers: tuple[Handler, ...]) -> None:
    """Until STOP, or until that many opcodes have been followed."""
    loop = partial(_run_framed, handlers=handlers) if handlers else _run_free
    for _ in range(0, opcodes, _CHUNK):
        machine.followed += _CHUNK
        try:
            loop(machine)
        except FrameStart:
            loop = partial(_run_framed, handlers=handlers or HANDLERS)
        machine.spend(0)


def _run_free(machine: Machine) -> None:
    """The hot loop, outside frames. The four opcodes that make up two thirds of a checkpoint are done in place."""
    handlers = HANDLERS
    buffer = machine.buffer
    memo = machine.memo
    position = machine.position
    try:
        for _ in range(_CHUNK):
            opcode = buffer[position]
            if opcode == _LONG_BINPUT:
                index: int = _u32(buffer, position + 1)[0]
                position += 5
                if index == len(memo):
                    memo.append(machine.stack[-1])
                else:
                    machine.memoize(index)
            elif opcode == _BINPUT:
                machine.memoize(buffer[position + 1])
                position += 2
            elif opcode == _BININT1:
                machine.stack.append(buffer[position + 1])
                position += 2
            elif opcode == _BINGET:
                machine.recall(buffer[position + 1])
                position += 2
            else:
                machine.position = position + 1
                handlers[opcode](machine)
                position = machine.position
    finally:
        machine.position = max(machine.position, position)


def _run_framed(machine: Machine, handlers: tuple[Handler, ...]) -> None:
    """The loop of protocol 4 and later: no opcode may lie across the end of its frame, where ``pickle.py`` refuses."""
    buffer = machine.buffer
    for _ in range(_CHUNK):
        position = machine.position
        machine.position = position + 1
        handlers[buffer[position]](machine)
        if position < machine.frame_end < machine.position:
            machine.deviates("an opcode across the end of its frame")


def _explain(machine: Machine, reason: Exception) -> str:
    at = f"at byte {min(machine.position, len(machine.buffer)):,}"
    if machine.position >= len(machine.buffer) or isinstance(reason, struct.error):
        return f"it is cut off {at}"
    if isinstance(reason, IndexError):
        return f"an opcode finds too little on the stack {at}"
    if isinstance(reason, UnicodeDecodeError):
        return f"text that is not {reason.encoding} {at}"
    return f"{reason} {at}"
