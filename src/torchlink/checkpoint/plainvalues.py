"""What of a checkpoint is no tensor and can be told in JSON: numbers, text, and dictionaries and lists of them."""

from __future__ import annotations

import math
import struct

from torchlink.checkpoint.contents import Contents
from torchlink.checkpoint.objects import Array, raw_bytes
from torchlink.checkpoint.tree import Node, NodeKind

_NUMBERS = {"f8": "d", "f4": "f", "f2": "e", "i8": "q", "i4": "i", "i2": "h", "i1": "b"}
_NUMBERS |= {"u8": "Q", "u4": "I", "u2": "H", "u1": "B", "b1": "?"}


def plain_values(root: Node, contents: Contents) -> tuple[dict[str, object], tuple[str, ...]]:
    """The plain values under a node by dotted path, and the paths of what is neither tensor nor plain."""
    values: dict[str, object] = {}
    left_out: list[str] = []
    pending: list[tuple[tuple[str, ...], Node]] = [((), root)]
    while pending:
        path, node = pending.pop()
        name = ".".join(path)
        if node.kind in (NodeKind.MAPPING, NodeKind.SEQUENCE) and node.children:
            pending.extend(((*path, child.key), child) for child in reversed(node.children))
        elif node.kind is NodeKind.VALUE and not node.label:
            values[name] = _json_number(node.source if type(node.source) is str else node.value)
        elif node.kind in (NodeKind.MAPPING, NodeKind.SEQUENCE):
            values[name] = {} if node.kind is NodeKind.MAPPING else []
        elif node.array is not None and node.array.scalar:
            values[name] = _json_number(scalar(node.array, contents))
        elif node.kind is not NodeKind.TENSOR:
            left_out.append(name)
    return values, tuple(left_out)


def scalar(found: Array, contents: Contents) -> object:
    """The number in a NumPy scalar; ``None`` where it is of another kind."""
    code = found.code.lstrip("<>=|")
    data = raw_bytes(found.data, contents.streams[contents.main]) if contents.main >= 0 else None
    pattern = _NUMBERS.get(code)
    if data is None or pattern is None or struct.calcsize(pattern) != len(data):
        return None
    number: object = struct.unpack((">" if found.code.startswith(">") else "<") + pattern, data)[0]
    return number


def _json_number(value: object) -> object:
    """JSON has no word for infinity."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
