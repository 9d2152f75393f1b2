"""Pickles written opcode by opcode."""

from __future__ import annotations

import struct


def text(value: str) -> bytes:
    """BINUNICODE."""
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def short_text(value: str) -> bytes:
    data = value.encode()
    return b"\x8c" + bytes([len(data)]) + data


def binary(value: bytes) -> bytes:
    """BINBYTES."""
    return b"B" + struct.pack("<I", len(value)) + value


def name(module: str, attribute: str) -> bytes:
    """GLOBAL."""
    return b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"


def stacked(module: str, attribute: str) -> bytes:
    """STACK_GLOBAL."""
    return short_text(module) + short_text(attribute) + b"\x93"


def value(thing: object) -> bytes:
    """A plain value; opcodes that are given as ``Raw`` are taken as they are."""
    if isinstance(thing, Raw):
        return thing.opcodes
    if thing is None:
        return b"N"
    if isinstance(thing, bool):
        return b"\x88" if thing else b"\x89"
    if isinstance(thing, float):
        return b"G" + struct.pack(">d", thing)
    if isinstance(thing, int):
        return b"J" + struct.pack("<i", thing)
    if isinstance(thing, str):
        return text(thing)
    if isinstance(thing, bytes):
        return binary(thing)
    if isinstance(thing, tuple):
        return b"(" + b"".join(value(item) for item in thing) + b"t"
    if isinstance(thing, list):
        return b"](" + b"".join(value(item) for item in thing) + b"e"
    if isinstance(thing, dict):
        return b"}(" + b"".join(value(key) + value(item) for key, item in thing.items()) + b"u"
    raise TypeError(type(thing))


class Raw:
    """Opcodes that leave one value on the stack."""

    def __init__(self, opcodes: bytes) -> None:
        self.opcodes = opcodes


def call(module: str, attribute: str, *args: object) -> bytes:
    """GLOBAL and REDUCE."""
    return name(module, attribute) + value(args) + b"R"


def whole(opcodes: bytes, protocol: int = 2) -> bytes:
    """With its PROTO and STOP."""
    return b"\x80" + bytes([protocol]) + opcodes + b"."
