"""The bytes of a tensor's elements in order, out of the storage that they are strewn over."""

from __future__ import annotations

import array
import zlib
from collections.abc import Iterator

from torchlink.checkpoint.containers.zip_directory import offset_behind_header
from torchlink.checkpoint.contents import Contents, Extent
from torchlink.checkpoint.source import Source
from torchlink.checkpoint.tensors import ITEM_SIZE, Tensor
from torchlink.model.errors import UnreadableError

_STEP = 4 << 20


def storage_start(source: Source, extent: Extent) -> int:
    """Where a storage's bytes begin in the file."""
    return offset_behind_header(source, extent.offset)[0] if extent.header else extent.offset


def storage_extent(contents: Contents, tensor: Tensor) -> Extent:
    """The storage of a tensor. Raises ``UnreadableError`` where the file has none, or it is too short."""
    extent = contents.storages.get(tensor.storage.key)
    if extent is None:
        raise UnreadableError(f"storage {tensor.storage.key} is missing", where=contents.source.name)
    if extent.size < tensor.storage.size or not tensor.fits:
        raise UnreadableError(f"a tensor reaches outside storage {tensor.storage.key}", where=contents.source.name)
    return extent


def read_extent(source: Source, extent: Extent, start: int = 0, size: int | None = None) -> bytes:
    """Bytes of a storage, unpacked where it is packed. Raises ``UnreadableError`` where it is cut off."""
    size = extent.size - start if size is None else size
    begin = storage_start(source, extent)
    if extent.method == 0:
        data = source.read(begin + start, size)
    else:
        data = b"".join(unpacked(source, begin, extent))[start : start + size]
    if len(data) != size:
        raise UnreadableError("a storage is cut off", where=source.name)
    return data


def unpacked(source: Source, begin: int, extent: Extent) -> Iterator[bytes]:
    """The bytes of a packed zip member, piece by piece."""
    if extent.method != 8:
        raise UnreadableError(f"zip method {extent.method} is not read", where=source.name)
    unpacker = zlib.decompressobj(-15)
    position, end = begin, begin + extent.packed
    try:
        while position < end and not unpacker.eof:
            data = source.read(position, min(_STEP, end - position))
            position += len(data)
            while data:
                yield unpacker.decompress(data, _STEP)
                data = unpacker.unconsumed_tail
        yield unpacker.flush()
    except zlib.error as error:
        raise UnreadableError("the packed bytes of a storage are broken", where=source.name) from error


def gathered(data: memoryview, tensor: Tensor) -> Iterator[bytes]:
    """The elements of a tensor in row-major order, from its storage's bytes: one innermost run at a time."""
    item = ITEM_SIZE[tensor.dtype]
    unit = min(item, 8)
    parts = item // unit
    shape, stride = [*tensor.shape, parts], [step * parts for step in tensor.stride] + [1]
    view = _cast(data[: len(data) // unit * unit], unit)
    shape, stride = _merged(shape, stride)
    yield from _runs(view, tensor.offset * parts, shape, stride)


def _cast(data: memoryview, unit: int) -> memoryview:
    if unit == 8:
        return data.cast("Q")
    if unit == 4:
        return data.cast("I")
    return data.cast("H") if unit == 2 else data.cast("B")


def _merged(shape: list[int], stride: list[int]) -> tuple[list[int], list[int]]:
    """Fewer dimensions with the same elements: neighbours that lie one behind the other become one."""
    extents: list[int] = []
    steps: list[int] = []
    for extent, step in zip(shape, stride, strict=True):
        if extent == 1:
            continue
        if extents and steps[-1] == step * extent:
            extents[-1] *= extent
            steps[-1] = step
        else:
            extents.append(extent)
            steps.append(step)
    return (extents, steps) if extents else ([1], [1])


def _runs(view: memoryview, offset: int, shape: list[int], stride: list[int]) -> Iterator[bytes]:
    *outer, count = shape
    *outer_steps, step = stride
    index = [0] * len(outer)
    if 0 in shape:
        return
    while True:
        start = offset + sum(position * width for position, width in zip(index, outer_steps, strict=True))
        if step == 0:
            yield view[start : start + 1].tobytes() * count
        else:
            yield view[start : start + (count - 1) * step + 1 : step].tobytes()
        for axis in reversed(range(len(outer))):
            index[axis] += 1
            if index[axis] < outer[axis]:
                break
            index[axis] = 0
        else:
            return


def swapped(data: bytes, dtype: str) -> bytes:
    """Bytes in the other byte order."""
    size = ITEM_SIZE[dtype] // (2 if dtype.startswith("complex") else 1)
    if size == 1:
        return data
    code = next(code for code in "HILQ" if array.array(code).itemsize == size)
    values = array.array(code, data)
    values.byteswap()
    return values.tobytes()
