"""torch's zip container, as ``torch.save`` writes it: readable by every torch since 1.6, mappable, with CRCs."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.contents import Extent
from torchlink.checkpoint.elements import storage_start, unpacked
from torchlink.checkpoint.output import Output
from torchlink.checkpoint.pickle_writer import write_pickle
from torchlink.checkpoint.source import Source
from torchlink.checkpoint.values import Call, Global, How, Pairs, Persistent

_ALIGNMENT = 64
_WIDE = 0xFFFFFFFF
_FLAGS = 0x0808
"""Sizes follow the data, names are UTF-8: as torch writes them."""
_STEP = 4 << 20

_STORAGE_NAMES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
    "complex128": "ComplexDoubleStorage",
    "complex64": "ComplexFloatStorage",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoragePlan:
    """Where the bytes of one storage of the new file come from."""

    key: str
    size: int
    write: Callable[[Output], int]
    """Appends the bytes, and returns their CRC."""


def copied(key: str, source: Source, extent: Extent, *, crc_known: bool) -> StoragePlan:
    """A storage as it stands in another file; its CRC is taken over where that file has one."""

    def write(output: Output) -> int:
        begin = storage_start(source, extent)
        if extent.method == 0 and crc_known:
            output.copy(source, begin, extent.size)
            return extent.crc
        pieces = unpacked(source, begin, extent) if extent.method else _pieces(source, begin, extent.size)
        return _written(output, pieces)

    return StoragePlan(key=key, size=extent.size, write=write)


def given(key: str, data: bytes) -> StoragePlan:
    """A storage of bytes that are at hand."""
    return StoragePlan(key=key, size=len(data), write=lambda output: _written(output, [data]))


def _pieces(source: Source, begin: int, size: int) -> Iterable[bytes]:
    for offset in range(0, size, _STEP):
        yield source.read(begin + offset, min(_STEP, size - offset))


def _written(output: Output, pieces: Iterable[bytes]) -> int:
    crc = 0
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
        output.write(piece)
    return crc


def write_torch_zip(
    target: Path, root: object, storages: Iterable[StoragePlan], *, byteorder: str = "little", overwrite: bool = False
) -> None:
    """Write a checkpoint.

    Args:
        target: The file.
        root: Its object, as symbolic values; the persistent ids in it name ``storages``.
        storages: The storages, each under its key.
        byteorder: Of the storages' elements.
        overwrite: Whether an existing file may be replaced.

    Raises:
        TorchlinkError: The value has no form that every torch reads, or the target cannot be written.
    """
    data = write_pickle(root)
    with Output(target, replace=overwrite) as output:
        archive = _Archive(output, "archive")
        archive.add("data.pkl", len(data), lambda out: _written(out, [data]))
        archive.add("byteorder", len(byteorder), lambda out: _written(out, [byteorder.encode()]))
        for storage in storages:
            archive.add(f"data/{storage.key}", storage.size, storage.write)
        archive.add("version", 2, lambda out: _written(out, [b"3\n"]))
        archive.finish()


class _Archive:
    """A zip archive in the making."""

    def __init__(self, output: Output, folder: str) -> None:
        self._output = output
        self._folder = folder
        self._directory: list[bytes] = []

    def add(self, name: str, size: int, write: Callable[[Output], int]) -> None:
        raw = f"{self._folder}/{name}".encode()
        header = self._output.position
        start = header + 30 + len(raw) + 4
        padding = -start % _ALIGNMENT
        extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        self._output.write(
            struct.pack("<4s5H3I2H", b"PK\x03\x04", 0, _FLAGS, 0, 0, 0, 0, 0, 0, len(raw), len(extra)) + raw + extra
        )
        crc = write(self._output)
        wide = size >= _WIDE or header >= _WIDE
        self._output.write(struct.pack("<4sIQQ" if wide else "<4sIII", b"PK\x07\x08", crc, size, size))
        self._directory.append(_central(raw, crc, size, header))

    def finish(self) -> None:
        begin = self._output.position
        for entry in self._directory:
            self._output.write(entry)
        end = self._output.position
        count, size = len(self._directory), end - begin
        if count >= 0xFFFF or begin >= _WIDE or size >= _WIDE:
            self._output.write(struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, begin))
            self._output.write(struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1))
        self._output.write(
            struct.pack(
                "<4s4H2IH",
                b"PK\x05\x06",
                0,
                0,
                min(count, 0xFFFF),
                min(count, 0xFFFF),
                min(size, _WIDE),
                min(begin, _WIDE),
                0,
            )
        )


def _central(raw: bytes, crc: int, size: int, header: int) -> bytes:
    wide: list[int] = []
    if size >= _WIDE:
        wide.extend((size, size))
    if header >= _WIDE:
        wide.append(header)
    extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    short = min(size, _WIDE)
    return (
        struct.pack(
            "<4s6H3I5H2I",
            b"PK\x01\x02",
            0,
            0,
            _FLAGS,
            0,
            0,
            0,
            crc,
            short,
            short,
            len(raw),
            len(extra),
            0,
            0,
            0,
            0,
            min(header, _WIDE),
        )
        + raw
        + extra
    )


def named(module: str, name: str) -> Global:
    """A global of these names."""
    return Global(module, name, module, name, 0)


def call(module: str, name: str, *args: object) -> Call:
    """A call of a global."""
    return Call(named(module, name), args, How.REDUCE, 0)


def ordered(pairs: Pairs) -> Call:
    """An ``OrderedDict``."""
    made = call("collections", "OrderedDict")
    made.pairs = pairs
    return made


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a tensor whose elements lie in order."""
    strides: list[int] = []
    step = 1
    for extent in reversed(shape):
        strides.append(step)
        step *= max(extent, 1)
    return tuple(reversed(strides))


def tensor_value(key: str, dtype: str, shape: tuple[int, ...], size: int) -> Call:
    """A contiguous tensor over the whole of a storage.

    Args:
        key: The storage's.
        dtype: torch's name of it.
        shape: Its extents.
        size: Bytes of the storage.
    """
    known = _STORAGE_NAMES.get(dtype)
    numel = 1
    for extent in shape:
        numel *= extent
    storage = named("torch", known) if known else named("torch.storage", "UntypedStorage")
    persistent = Persistent(("storage", storage, key, "cpu", numel if known else size), 0)
    hooks = call("collections", "OrderedDict")
    strides = contiguous(shape)
    if known:
        return call("torch._utils", "_rebuild_tensor_v2", persistent, 0, shape, strides, False, hooks)
    return call(
        "torch._utils", "_rebuild_tensor_v3", persistent, 0, shape, strides, False, hooks, named("torch", dtype)
    )
