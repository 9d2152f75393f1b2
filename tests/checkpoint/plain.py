"""Symbolic values back into Python's, for comparing."""

from __future__ import annotations

from torchlink.checkpoint.machine import Pickle
from torchlink.checkpoint.values import Blob, BlobKind, FrozenMembers, Members, Pairs


def plain(value: object, buffer: bytes) -> object:
    """Containers, text, bytes and numbers; anything else stays what it is."""
    if isinstance(value, Pairs):
        return {plain(value[index], buffer): plain(value[index + 1], buffer) for index in range(0, len(value), 2)}
    if isinstance(value, FrozenMembers):
        return frozenset(plain(item, buffer) for item in value)
    if isinstance(value, Members):
        return {plain(item, buffer) for item in value}
    if isinstance(value, list):
        return [plain(item, buffer) for item in value]
    if isinstance(value, tuple):
        return tuple(plain(item, buffer) for item in value)
    if isinstance(value, Blob):
        data = buffer[value.offset : value.offset + value.length]
        if value.kind is BlobKind.BYTEARRAY:
            return bytearray(data)
        return data if value.kind is BlobKind.BYTES else data.decode("utf-8", "surrogatepass")
    return value


def names(pickle: Pickle) -> set[str]:
    return {found.path for found in pickle.globals}
