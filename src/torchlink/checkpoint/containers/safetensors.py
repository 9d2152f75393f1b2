"""safetensors: an 8-byte length, a JSON header, and the tensors' bytes."""

from __future__ import annotations

import json

from torchlink.checkpoint.contents import Contents, Extent, Format, Problem, StoredTensor
from torchlink.checkpoint.source import Source
from torchlink.model.errors import UnreadableError

DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}
"""The format's names (safetensors 0.8, ``safetensors/torch.py``), and torch's."""

_BITS = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
_SIZES = (
    dict(
        (
            *((name, 64) for name in ("F64", "I64", "U64", "C64")),
            *((name, 32) for name in ("F32", "I32", "U32")),
            *((name, 16) for name in ("F16", "BF16", "I16", "U16")),
            *(
                (name, 8)
                for name in ("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ")
            ),
        )
    )
    | _BITS
)
_MOST_HEADER = 100_000_000
"""The format's own bound."""


def looks_like(source: Source) -> bool:
    """Whether the file begins as the format does."""
    head = source.read(0, 9)
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") <= source.size - 8


def read_safetensors(source: Source) -> Contents:
    """Read the header. Raises ``UnreadableError`` where it is none."""
    size = int.from_bytes(source.read(0, 8), "little")
    if size > _MOST_HEADER:
        raise UnreadableError(f"a safetensors header of {size:,} bytes is over the format's limit", where=source.name)
    problems: list[Problem] = []
    tensors, metadata = _parse(source.read(8, size), source, problems)
    _check_layout(tensors, source.size - 8 - size, problems)
    base = 8 + size
    return Contents(
        source=source,
        format=Format.SAFETENSORS,
        tensors=tuple(
            StoredTensor(name=t.name, dtype=t.dtype, shape=t.shape, offset=base + t.offset, size=t.size)
            for t in tensors
        ),
        storages={t.name: Extent(base + t.offset, t.size, t.size, 0, False, 0) for t in tensors},
        problems=tuple(problems),
        metadata=metadata,
    )


def _parse(raw: bytes, source: Source, problems: list[Problem]) -> tuple[list[StoredTensor], dict[str, str]]:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(items)
        if len(found) != len(items):
            problems.append(Problem(detail="the header names something twice"))
        return found

    try:
        header: object = json.loads(raw.decode("utf-8"), object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("its safetensors header is no JSON", where=source.name) from error
    if not isinstance(header, dict):
        raise UnreadableError("its safetensors header is no object", where=source.name)
    tensors: list[StoredTensor] = []
    metadata: dict[str, str] = {}
    for name, value in header.items():
        if name == "__metadata__":
            metadata = _metadata(value, problems)
            continue
        tensor = _tensor(str(name), value)
        if tensor is None:
            problems.append(Problem(detail=f"the header's entry {str(name)[:80]!r} is no tensor"))
        else:
            tensors.append(tensor)
    return tensors, metadata


def _metadata(value: object, problems: list[Problem]) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        problems.append(Problem(detail="__metadata__ is not text to text"))
        return {}
    return {str(key): str(item) for key, item in value.items()}


def _tensor(name: str, value: object) -> StoredTensor | None:
    """One entry, with its offset counted from the end of the header."""
    if not isinstance(value, dict):
        return None
    dtype = value.get("dtype")
    extents, offsets = _naturals(value.get("shape")), _naturals(value.get("data_offsets"))
    if not isinstance(dtype, str) or dtype not in _SIZES or extents is None or offsets is None or len(offsets) != 2:
        return None
    begin, end = offsets
    bits = _SIZES[dtype]
    for extent in extents:
        bits *= extent
    if end < begin or bits != (end - begin) * 8:
        return None
    return StoredTensor(name=name, dtype=DTYPES.get(dtype, dtype), shape=extents, offset=begin, size=end - begin)


def _naturals(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return None
    found = tuple(item for item in value if type(item) is int and 0 <= item < 1 << 62)
    return found if len(found) == len(value) else None


def _check_layout(tensors: list[StoredTensor], available: int, problems: list[Problem]) -> None:
    """The format allows no holes, no overlaps, and nothing behind the last tensor."""
    position = 0
    for tensor in sorted(tensors, key=lambda t: (t.offset, t.size)):
        if tensor.offset != position:
            problems.append(Problem(detail=f"{tensor.name!r} begins at {tensor.offset:,}, not at {position:,}"))
            return
        position += tensor.size
    if position > available:
        problems.append(Problem(detail=f"cut off: {position:,} bytes of tensors announced, {available:,} there"))
    elif position < available:
        problems.append(Problem(detail=f"{available - position:,} unexplained bytes after the last tensor"))
