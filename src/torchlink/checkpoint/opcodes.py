"""Every opcode of pickle protocols 0 to 5, as C's ``_pickle`` reads it."""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable

from torchlink.checkpoint.machine import FrameStart, Machine, PickleError, Stop
from torchlink.checkpoint.values import (
    Blob,
    BlobKind,
    Call,
    Extension,
    FrozenMembers,
    Global,
    How,
    Members,
    Pairs,
    Persistent,
)

Handler = Callable[[Machine], None]

_LARGE = 1 << 16
_SMALL = 1 << 10
_CONTAINER = 110
"""Bytes that a container costs at least."""

_u16 = struct.Struct("<H").unpack_from
_i32 = struct.Struct("<i").unpack_from
_u32 = struct.Struct("<I").unpack_from
_u64 = struct.Struct("<Q").unpack_from
_f64 = struct.Struct(">d").unpack_from
_DECIMAL = re.compile(rb"-?(0|[1-9][0-9]{0,4000})\Z").match
_INDEX = re.compile(rb"(0|[1-9][0-9]{0,15})\Z").match
_FLOAT = re.compile(rb"-?([0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|inf|nan)\Z").match


# Constants and numbers


def _none(m: Machine) -> None:
    m.stack.append(None)


def _true(m: Machine) -> None:
    m.stack.append(True)


def _false(m: Machine) -> None:
    m.stack.append(False)


def _binint(m: Machine) -> None:
    m.stack.append(_i32(m.buffer, m.position)[0])
    m.position += 4
    m.room -= 32


def _binint1(m: Machine) -> None:
    position = m.position
    m.stack.append(m.buffer[position])
    m.position = position + 1


def _binint2(m: Machine) -> None:
    m.stack.append(_u16(m.buffer, m.position)[0])
    m.position += 2
    m.room -= 32


def _binfloat(m: Machine) -> None:
    m.stack.append(_f64(m.buffer, m.position)[0])
    m.position += 8
    m.room -= 24


def _int(m: Machine) -> None:
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


def _long(m: Machine) -> None:
    line = m.line()
    digits = line[:-1] if line.endswith(b"L") else line
    m.room -= 32 + len(line)
    if _DECIMAL(digits):
        m.stack.append(int(digits))
        return
    m.deviates(f"LONG {line[:20]!r}")
    m.stack.append(int(digits[:4000].decode("ascii", "replace"), 0))


def _long1(m: Machine) -> None:
    length = m.buffer[m.position]
    m.position += 1
    m.stack.append(int.from_bytes(m.take(length), "little", signed=True))
    m.room -= 32 + length


def _long4(m: Machine) -> None:
    length: int = _i32(m.buffer, m.position)[0]
    m.position += 4
    if length < 0:
        raise PickleError("LONG4 of a negative length")
    m.spend(32 + length)
    m.stack.append(int.from_bytes(m.take(length), "little", signed=True))


def _float(m: Machine) -> None:
    line = m.line()
    if not _FLOAT(line):
        m.deviates(f"FLOAT {line[:20]!r}")
    m.stack.append(float(line.decode("ascii", "replace").replace("_", "?")))
    m.room -= 24


# Text and bytes


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


def _binunicode(m: Machine) -> None:
    length: int = _u32(m.buffer, m.position)[0]
    m.position += 4
    _text(m, length)


def _short_binunicode(m: Machine) -> None:
    length = m.buffer[m.position]
    m.position += 1
    _text(m, length)


def _binunicode8(m: Machine) -> None:
    length: int = _u64(m.buffer, m.position)[0]
    m.position += 8
    _text(m, length)


def _binbytes(m: Machine) -> None:
    length: int = _u32(m.buffer, m.position)[0]
    m.position += 4
    _bytes(m, length)


def _short_binbytes(m: Machine) -> None:
    length = m.buffer[m.position]
    m.position += 1
    _bytes(m, length)


def _binbytes8(m: Machine) -> None:
    length: int = _u64(m.buffer, m.position)[0]
    m.position += 8
    _bytes(m, length)


def _bytearray8(m: Machine) -> None:
    length: int = _u64(m.buffer, m.position)[0]
    m.position += 8
    _blob(m, BlobKind.BYTEARRAY, length)


def _binstring(m: Machine) -> None:
    length: int = _i32(m.buffer, m.position)[0]
    m.position += 4
    if length < 0:
        raise PickleError("BINSTRING of a negative length")
    _string(m, length)


def _short_binstring(m: Machine) -> None:
    length = m.buffer[m.position]
    m.position += 1
    _string(m, length)


def _quoted_string(m: Machine) -> None:
    line = m.line()
    if len(line) < 2 or line[0] != line[-1] or line[0] not in b"'\"":
        raise PickleError("STRING without its quotes")
    data: object = codecs.escape_decode(line[1:-1])[0]
    if not isinstance(data, bytes):
        raise PickleError("STRING that is no string")
    m.spend(60 + len(line))
    m.stack.append(_python2_text(data))


def _unicode(m: Machine) -> None:
    line = m.line()
    m.spend(60 + 4 * len(line))
    m.stack.append(line.decode("raw-unicode-escape"))


# Containers


def _empty_tuple(m: Machine) -> None:
    m.stack.append(())


def _empty_list(m: Machine) -> None:
    m.stack.append([])
    m.room -= _CONTAINER


def _empty_dict(m: Machine) -> None:
    m.stack.append(Pairs())
    m.room -= _CONTAINER


def _empty_set(m: Machine) -> None:
    m.stack.append(Members())
    m.room -= _CONTAINER


def _tuple1(m: Machine) -> None:
    stack = m.stack
    stack[-1] = (stack[-1],)
    m.room -= 64


def _tuple2(m: Machine) -> None:
    last = m.stack.pop()
    m.stack[-1] = (m.stack[-1], last)
    m.room -= 72


def _tuple3(m: Machine) -> None:
    last = m.stack.pop()
    middle = m.stack.pop()
    m.stack[-1] = (m.stack[-1], middle, last)
    m.room -= 80


def _tuple(m: Machine) -> None:
    items = m.stack
    m.stack = m.below.pop()
    m.stack.append(tuple(items))
    m.room -= 56 + 8 * len(items)


def _list(m: Machine) -> None:
    items = m.pop_mark()
    m.stack.append(items)


def _dict(m: Machine) -> None:
    items = m.pop_mark()
    if len(items) % 2:
        raise PickleError("DICT of an odd number of values")
    m.stack.append(Pairs(items))


def _frozenset(m: Machine) -> None:
    items = m.pop_mark()
    m.stack.append(FrozenMembers(items))


def _append(m: Machine) -> None:
    item = m.stack.pop()
    _extend(m, [item])


def _appends(m: Machine) -> None:
    _extend(m, m.pop_mark())


def _extend(m: Machine, items: list[object]) -> None:
    target = m.stack[-1]
    if type(target) is list:
        target.extend(items)
    elif type(target) is Call:
        if target.items is None:
            target.items = []
        target.items.extend(items)
    elif _adds(m, items, "APPENDS"):
        _changed(m, target, "APPEND")
    m.room -= 8 * len(items)


def _additems(m: Machine) -> None:
    items = m.pop_mark()
    target = m.stack[-1]
    if type(target) is Members:
        target.extend(items)
    elif type(target) is Call:
        if target.items is None:
            target.items = []
        target.items.extend(items)
    elif _adds(m, items, "ADDITEMS"):
        _changed(m, target, "ADDITEMS")


def _setitem(m: Machine) -> None:
    value = m.stack.pop()
    key = m.stack.pop()
    _set(m, [key, value])


def _setitems(m: Machine) -> None:
    items = m.pop_mark()
    if len(items) % 2:
        raise PickleError("SETITEMS of an odd number of values")
    _set(m, items)


def _set(m: Machine, items: list[object]) -> None:
    target = m.stack[-1]
    if type(target) is Pairs:
        target.extend(items)
    elif type(target) is Call:
        if target.pairs is None:
            target.pairs = Pairs()
        target.pairs.extend(items)
    elif type(target) is list:
        m.deviates("SETITEM on a list")
    elif _adds(m, items, "SETITEMS"):
        _changed(m, target, "SETITEM")
    m.room -= 8 * len(items)


def _adds(m: Machine, items: list[object], opcode: str) -> bool:
    """Whether there is anything to add: C does not look at the target where there is not, ``pickle.py`` does."""
    if not items:
        m.deviates(f"{opcode} of nothing")
    return bool(items)


def _changed(m: Machine, target: object, opcode: str) -> None:
    """An opcode changes something that is neither a container nor the result of a call."""
    if type(target) is Global:
        target.built = True
        return
    if type(target) in (Persistent, Extension):
        m.deviates(f"{opcode} on a value from outside the pickle")
        return
    raise PickleError(f"{opcode} on a value that has no such thing")


# The stack and the memo


def _mark(m: Machine) -> None:
    m.below.append(m.stack)
    m.stack = []
    m.room -= _CONTAINER


def _pop(m: Machine) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.pop_mark()


def _pop_mark(m: Machine) -> None:
    m.pop_mark()


def _dup(m: Machine) -> None:
    m.stack.append(m.stack[-1])


def _binput(m: Machine) -> None:
    position = m.position
    m.position = position + 1
    m.memoize(m.buffer[position])


def _long_binput(m: Machine) -> None:
    index: int = _u32(m.buffer, m.position)[0]
    m.position += 4
    memo = m.memo
    if index == len(memo):
        memo.append(m.stack[-1])
    else:
        m.memoize(index)


def _put(m: Machine) -> None:
    m.memoize(_index(m, "PUT"))


def _memoize(m: Machine) -> None:
    # _pickle numbers by how many entries the memo has; a gap makes that differ from the list's length.
    m.memoize(len(m.memo) - m.gaps)


def _binget(m: Machine) -> None:
    position = m.position
    m.position = position + 1
    m.recall(m.buffer[position])


def _long_binget(m: Machine) -> None:
    index: int = _u32(m.buffer, m.position)[0]
    m.position += 4
    m.recall(index)


def _get(m: Machine) -> None:
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


# What reaches outside the pickle


def _global(m: Machine) -> None:
    m.stack.append(_named(m))


def _named(m: Machine) -> Global:
    module = m.line()
    name = m.line()
    if not module or not name:
        raise PickleError("GLOBAL without a name")
    return m.find(module.decode("utf-8"), name.decode("utf-8"))


def _stack_global(m: Machine) -> None:
    name = m.stack.pop()
    module = m.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise PickleError("STACK_GLOBAL of values that are not text")
    m.stack.append(m.find(module, name))


def _inst(m: Machine) -> None:
    offset = m.position
    found = _named(m)
    args = tuple(m.pop_mark())
    m.stack.append(m.call(Call(found, args, How.INST, offset)))


def _obj(m: Machine) -> None:
    items = m.pop_mark()
    m.stack.append(m.call(Call(items[0], tuple(items[1:]), How.OBJ, m.position)))


def _reduce(m: Machine) -> None:
    stack = m.stack
    args = stack.pop()
    func = stack[-1]
    call = Call(func, args, How.REDUCE, m.position)
    if type(func) is Global:
        func.calls.append(call)
    else:
        m.opaque_calls.append(call)
    stack[-1] = call
    m.room -= 130
    if type(args) is not tuple and type(args) is not Call:
        m.deviates("REDUCE with arguments that are not a tuple")


def _newobj(m: Machine) -> None:
    args = m.stack.pop()
    cls = m.stack.pop()
    if type(args) is not tuple and type(args) is not Call:
        m.deviates("NEWOBJ with arguments that are not a tuple")
    m.stack.append(m.call(Call(cls, args, How.NEWOBJ, m.position)))
    m.room -= 130


def _newobj_ex(m: Machine) -> None:
    kwargs = m.stack.pop()
    args = m.stack.pop()
    cls = m.stack.pop()
    if type(args) is not tuple or type(kwargs) is not Pairs:
        m.deviates("NEWOBJ_EX with arguments that are not a tuple and a dictionary")
    m.stack.append(m.call(Call(cls, args, How.NEWOBJ_EX, m.position, kwargs)))
    m.room -= 130


def _build(m: Machine) -> None:
    state = m.stack.pop()
    target = m.stack[-1]
    if type(target) is Call:
        if target.state is None:
            target.state = [state]
        else:
            target.state.append(state)
    elif state is not None:
        _changed(m, target, "BUILD")
    m.room -= 64
    if m.after_build is not None:
        m.after_build(m, target)


def _persid(m: Machine) -> None:
    line = m.line()
    _persist(m, line.decode("ascii"))


def _binpersid(m: Machine) -> None:
    stack = m.stack
    found = Persistent(stack[-1], m.position)
    m.persistent.append(found)
    stack[-1] = found
    m.room -= 80


def _persist(m: Machine, identity: object) -> None:
    found = Persistent(identity, m.position)
    m.persistent.append(found)
    m.stack.append(found)
    m.room -= 80


def _extension(length: int) -> Handler:
    def handler(m: Machine) -> None:
        code = int.from_bytes(m.take(length), "little", signed=length == 4)
        if code <= 0:
            raise PickleError("an extension code that is not positive")
        if len(m.extensions) < 1000:
            m.extensions.append(code)
        m.stack.append(Extension(code))
        m.room -= _CONTAINER

    return handler


def _next_buffer(_: Machine) -> None:
    raise PickleError("it needs buffers from outside the file")


def _readonly_buffer(m: Machine) -> None:
    if type(m.stack[-1]) not in (bytes, Blob):
        raise PickleError("READONLY_BUFFER of a value that is no buffer")


# The frame of it all


def _proto(m: Machine) -> None:
    protocol = m.buffer[m.position]
    m.position += 1
    if protocol > 5:
        raise PickleError(f"protocol {protocol} is not known")
    m.protocol = protocol


def _frame(m: Machine) -> None:
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


def _stop(m: Machine) -> None:
    m.root = m.stack.pop()
    raise Stop


def _unknown(m: Machine) -> None:
    raise PickleError(f"no opcode 0x{m.buffer[m.position - 1]:02x}")


_BY_NAME: dict[bytes, Handler] = {
    b"(": _mark,
    b".": _stop,
    b"0": _pop,
    b"1": _pop_mark,
    b"2": _dup,
    b"F": _float,
    b"I": _int,
    b"J": _binint,
    b"K": _binint1,
    b"L": _long,
    b"M": _binint2,
    b"N": _none,
    b"P": _persid,
    b"Q": _binpersid,
    b"R": _reduce,
    b"S": _quoted_string,
    b"T": _binstring,
    b"U": _short_binstring,
    b"V": _unicode,
    b"X": _binunicode,
    b"a": _append,
    b"b": _build,
    b"c": _global,
    b"d": _dict,
    b"}": _empty_dict,
    b"e": _appends,
    b"g": _get,
    b"h": _binget,
    b"i": _inst,
    b"j": _long_binget,
    b"l": _list,
    b"]": _empty_list,
    b"o": _obj,
    b"p": _put,
    b"q": _binput,
    b"r": _long_binput,
    b"s": _setitem,
    b"t": _tuple,
    b")": _empty_tuple,
    b"u": _setitems,
    b"G": _binfloat,
    b"\x80": _proto,
    b"\x81": _newobj,
    b"\x82": _extension(1),
    b"\x83": _extension(2),
    b"\x84": _extension(4),
    b"\x85": _tuple1,
    b"\x86": _tuple2,
    b"\x87": _tuple3,
    b"\x88": _true,
    b"\x89": _false,
    b"\x8a": _long1,
    b"\x8b": _long4,
    b"B": _binbytes,
    b"C": _short_binbytes,
    b"\x8c": _short_binunicode,
    b"\x8d": _binunicode8,
    b"\x8e": _binbytes8,
    b"\x8f": _empty_set,
    b"\x90": _additems,
    b"\x91": _frozenset,
    b"\x92": _newobj_ex,
    b"\x93": _stack_global,
    b"\x94": _memoize,
    b"\x95": _frame,
    b"\x96": _bytearray8,
    b"\x97": _next_buffer,
    b"\x98": _readonly_buffer,
}

HANDLERS: tuple[Handler, ...] = tuple(_BY_NAME.get(bytes([byte]), _unknown) for byte in range(256))
"""What each byte does, where an opcode is expected."""
