"""Symbolic values back into a pickle: protocol 2, and only opcodes that every ``weights_only`` unpickler reads."""

from __future__ import annotations

import struct

from torchlink.checkpoint.values import Call, Global, How, Pairs, Persistent
from torchlink.model.errors import TorchlinkError

_DEEPEST = 300
_BATCH = 1000


def write_pickle(root: object) -> bytes:
    """The pickle of a value. Raises ``TorchlinkError`` for what protocol 2 under ``weights_only`` has no form for."""
    writer = _Writer()
    writer.value(root, 0)
    return b"\x80\x02" + b"".join(writer.out) + b"."


class _Writer:
    def __init__(self) -> None:
        self.out: list[bytes] = []
        self._memo: dict[tuple[object, ...], int] = {}
        self._kept: list[object] = []
        self._open: set[int] = set()

    def value(self, value: object, depth: int) -> None:
        """Append the opcodes that leave a value on the stack."""
        if self._simple(value) or self._recalled(value):
            return
        if depth > _DEEPEST or id(value) in self._open:
            raise TorchlinkError("values that contain themselves, or lie too deep, cannot be written")
        self._open.add(id(value))
        self._compound(value, depth + 1)
        self._open.discard(id(value))
        if type(value) is not tuple or value:
            self._remember(("id", id(value)), value)

    def _simple(self, value: object) -> bool:
        if value is None or isinstance(value, bool):
            self.out.append({None: b"N", True: b"\x88", False: b"\x89"}[value])
        elif type(value) is int:
            self.out.append(_integer(value))
        elif type(value) is float:
            self.out.append(b"G" + struct.pack(">d", value))
        elif type(value) is str:
            self._text(value)
        elif type(value) is Global:
            self._global(value)
        elif value == () and type(value) is tuple:
            self.out.append(b")")
        else:
            return False
        return True

    def _text(self, value: str) -> None:
        known = self._memo.get(("text", value))
        if known is not None:
            self._get(known)
            return
        data = value.encode("utf-8", "surrogatepass")
        self.out.append(b"X" + struct.pack("<I", len(data)) + data)
        self._remember(("text", value), value)

    def _global(self, value: Global) -> None:
        key = ("global", value.module, value.name)
        known = self._memo.get(key)
        if known is not None:
            self._get(known)
            return
        self.out.append(f"c{value.module}\n{value.name}\n".encode())
        self._remember(key, value)

    def _recalled(self, value: object) -> bool:
        known = self._memo.get(("id", id(value)))
        if known is None:
            return False
        self._get(known)
        return True

    def _get(self, index: int) -> None:
        self.out.append(b"h" + bytes([index]) if index < 256 else b"j" + struct.pack("<I", index))

    def _remember(self, key: tuple[object, ...], value: object) -> None:
        index = len(self._memo)
        self._memo[key] = index
        self._kept.append(value)  # or its id could come again
        self.out.append(b"q" + bytes([index]) if index < 256 else b"r" + struct.pack("<I", index))

    def _compound(self, value: object, depth: int) -> None:
        if type(value) is tuple:
            self._tuple(value, depth)
        elif type(value) is list:
            self.out.append(b"]")
            self._batches(value, depth, b"e", 1)
        elif type(value) is Pairs:
            self.out.append(b"}")
            self._batches(value, depth, b"u", 2)
        elif type(value) is Persistent:
            self.value(value.id, depth)
            self.out.append(b"Q")
        elif type(value) is Call:
            self._call(value, depth)
        else:
            raise TorchlinkError(f"a {type(value).__name__.lower()} cannot be written for every reader")

    def _tuple(self, value: tuple[object, ...], depth: int) -> None:
        if len(value) > 3:
            self.out.append(b"(")
        for item in value:
            self.value(item, depth)
        self.out.append((b")", b"\x85", b"\x86", b"\x87")[len(value)] if len(value) <= 3 else b"t")

    def _batches(self, items: list[object], depth: int, opcode: bytes, width: int) -> None:
        step = _BATCH * width
        for start in range(0, len(items), step):
            self.out.append(b"(")
            for item in items[start : start + step]:
                self.value(item, depth)
            self.out.append(opcode)

    def _call(self, call: Call, depth: int) -> None:
        self.value(call.func, depth)
        self.value(call.args, depth)
        self.out.append(b"\x81" if call.how is How.NEWOBJ else b"R")
        if call.items:
            self._batches(call.items, depth, b"e", 1)
        if call.pairs:
            self._batches(call.pairs, depth, b"u", 2)
        for state in call.state or ():
            self.value(state, depth)
            self.out.append(b"b")


def _integer(value: int) -> bytes:
    if 0 <= value < 256:
        return b"K" + bytes([value])
    if 0 <= value < 65_536:
        return b"M" + struct.pack("<H", value)
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    if len(data) > 255:
        raise TorchlinkError("a number of more than 255 bytes cannot be written for every reader")
    return b"\x8a" + bytes([len(data)]) + data
