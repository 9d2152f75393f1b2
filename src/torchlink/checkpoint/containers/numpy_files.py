"""NumPy's ``.npy``: a header in Python's syntax, then the elements, or a pickle where they are objects."""

from __future__ import annotations

import ast

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.arrays import item_size, torch_name
from torchlink.checkpoint.contents import Contents, Extent, Format, Problem, StoredTensor, Stream
from torchlink.checkpoint.source import Source
from torchlink.checkpoint.streams import read_pickles
from torchlink.model.errors import UnreadableError

MAGIC = b"\x93NUMPY"
_MOST_HEADER = 65_536


def read_npy(source: Source, allowance: Allowance) -> Contents:
    """Read a header, and the pickle behind it. Raises ``UnreadableError`` where the header is none."""
    start, descr, shape = _header(source)
    codes = _codes(descr)
    if any(code.lstrip("<>=|").startswith("O") for code in codes):
        return _objects(source, start, allowance)
    sizes = [item_size(code) for code in codes]
    total = 1
    for extent in shape:
        total *= extent
    problems: tuple[Problem, ...] = ()
    size = source.size - start
    if isinstance(descr, str):
        expected = None if sizes[0] is None else sizes[0] * total
        if expected is None:
            problems = (Problem(detail=f"elements of a dtype that is not known: {descr[:40]!r}"),)
        elif expected > size:
            problems = (Problem(detail=f"cut off: {expected:,} bytes announced, {size:,} there"),)
        elif expected < size:
            problems = (Problem(detail=f"{size - expected:,} unexplained bytes after the array"),)
    dtype = (torch_name(descr) or descr) if isinstance(descr, str) else "structured"
    tensor = StoredTensor(name="", dtype=dtype, shape=shape, offset=start, size=size)
    storages = {"": Extent(start, size, size, 0, False, 0)}
    return Contents(source=source, format=Format.NPY, tensors=(tensor,), storages=storages, problems=problems)


def _objects(source: Source, start: int, allowance: Allowance) -> Contents:
    limit = 64 << 20
    if source.size - start > limit:
        raise UnreadableError("an array of objects with a pickle of more than 64 MB", where=source.name)
    pickles = read_pickles(source.read(start, limit), "array of objects", allowance)
    streams: tuple[Stream, ...] = pickles.streams
    return Contents(
        source=source, format=Format.NPY, streams=streams, main=0 if streams else -1, problems=pickles.problems
    )


def _header(source: Source) -> tuple[int, object, tuple[int, ...]]:
    """Where the elements begin, the dtype's description, and the shape."""
    head = source.read(0, 12)
    wide = len(head) == 12 and head[6] >= 2
    begin = 12 if wide else 10
    length = int.from_bytes(head[8:begin], "little")
    if length > _MOST_HEADER:
        raise UnreadableError(f"a NumPy header of {length:,} bytes", where=source.name)
    raw = source.read(begin, length)
    try:
        fields: object = ast.literal_eval(raw.decode("utf-8" if head[6] >= 3 else "latin-1").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise UnreadableError("its NumPy header cannot be read", where=source.name) from error
    if not isinstance(fields, dict) or len(raw) != length:
        raise UnreadableError("its NumPy header cannot be read", where=source.name)
    shape = fields.get("shape")
    if not isinstance(shape, tuple) or not all(type(extent) is int and extent >= 0 for extent in shape):
        raise UnreadableError("its NumPy header has no shape", where=source.name)
    return begin + length, fields.get("descr"), shape


def _codes(descr: object) -> list[str]:
    """The dtype codes in a description, those of its fields included."""
    codes: list[str] = []
    pending = [descr]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            codes.append(value)
        elif isinstance(value, list):
            pending.extend(field[1] for field in value if isinstance(field, tuple) and len(field) > 1)
        elif isinstance(value, tuple) and value:
            pending.append(value[0])
        else:
            codes.append("O")
    return codes
