"""Code for GPUs in a native library: which architectures it was compiled for. The code itself is not read.

Sources: NVIDIA's fat binary as ``fatbinary_section.h`` of the CUDA toolkit names its magic, its headers as
``cuobjdump --list-elf`` shows the same files (a container's header, then entries of a kind, a header size, a payload
size, an architecture, and flags: those of ``sm_90a`` and ``sm_100f`` are what nvcc 13.0 writes for them); LLVM's "Clang
Offload Bundler" for AMD's bundles.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator

from torchlink.model.errors import UnreadableError
from torchlink.model.machine import DeviceCode
from torchlink.read.elf_image import DiskStorage, Storage

_HEADER = struct.Struct("<4sBB")
_CONTAINER = struct.Struct("<IHHQ")
_ENTRY = struct.Struct("<HHIQIIHHI8xQ")
_MAGIC = 0xBA55ED50
_PTX, _CUBIN = 1, 2
_ONLY, _FAMILY = 1 << 20, 1 << 21  # of an entry's flags: built for sm_90a, for sm_100f
_BUNDLE = b"__CLANG_OFFLOAD_BUNDLE__"
_COMPRESSED = b"CCOB"
_TRIPLE = re.compile(rb"hipv?4?-amdgcn-amd-amdhsa-.*?-(gfx[0-9a-f]+(?:-[0-9a-f]+)*(?:-generic)?)")
_MOST = 200_000
_MOST_SECTIONS = 10_000
_CHUNK = 8 * 2**20
_LONGEST_TABLE = 64 * 1024


def read_device_code(path: str) -> DeviceCode:
    """The architectures that a library has code for; none where it has no such code. Never raises."""
    try:
        storage = DiskStorage(path)
    except UnreadableError as error:
        return DeviceCode(path=path, modules={}, problem=error.what)
    try:
        return _read(path, storage)
    except (OSError, struct.error, UnreadableError) as error:
        return DeviceCode(path=path, modules={}, problem=f"it cannot be read as ELF ({error})")
    finally:
        storage.close()


def _read(path: str, storage: Storage) -> DeviceCode:
    modules: Counter[tuple[str, ...]] = Counter()
    problem = ""
    for name, offset, size in _sections(storage):
        if name == b".nv_fatbin":
            modules.update(_containers(storage, offset, size))
        elif name == b".hip_fatbin":
            found, problem = _bundles(storage, offset, size)
            modules.update(found)
    return DeviceCode(path=path, modules=dict(modules), problem="" if modules else problem)


def _sections(storage: Storage) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset and size of each section of a 64-bit little-endian file."""
    head = storage.read_at(0, 64)
    if len(head) < 64 or _HEADER.unpack_from(head) != (b"\x7fELF", 2, 1):
        return
    (table,) = struct.unpack_from("<Q", head, 0x28)
    entry, count, names = struct.unpack_from("<HHH", head, 0x3A)
    if entry != 64 or not 0 < count <= _MOST_SECTIONS or names >= count:
        return
    data = storage.read_at(table, entry * count)
    rows = [struct.unpack_from("<IIQQQQ", data, place) for place in range(0, len(data) - 63, entry)]
    strings = storage.read_at(rows[names][4], min(rows[names][5], 1 << 20))
    for name, _, _, _, offset, size in rows:
        end = strings.find(b"\0", name)
        yield strings[name : max(end, name)], offset, size


def _containers(storage: Storage, offset: int, size: int) -> Iterator[tuple[str, ...]]:
    """The architectures of each fat binary container; one is what a compiled unit becomes."""
    position, end = offset, offset + size
    for _ in range(_MOST):
        if position + _CONTAINER.size > end:
            return
        magic, _, header, length = _CONTAINER.unpack(storage.read_at(position, _CONTAINER.size))
        if magic != _MAGIC:
            position += 8  # containers are aligned
            continue
        first = position + header
        if length:  # where a build makes PTX alone, its device link leaves an empty one
            yield tuple(sorted(set(_entries(storage, first, min(first + length, end)))))
        position = first + length


def _entries(storage: Storage, position: int, end: int) -> Iterator[str]:
    while position + _ENTRY.size <= end:
        kind, _, header, length, _, _, _, _, number, flags = _ENTRY.unpack(storage.read_at(position, _ENTRY.size))
        if header < _ENTRY.size:
            return
        architecture = f"{number}{'a' if flags & _ONLY else 'f' if flags & _FAMILY else ''}"
        if kind == _CUBIN:
            yield f"sm_{architecture}"
        elif kind == _PTX:
            yield f"compute_{architecture}"
        position += header + length


def _bundles(storage: Storage, offset: int, size: int) -> tuple[Counter[tuple[str, ...]], str]:
    found: Counter[tuple[str, ...]] = Counter()
    compressed = False
    position, end = offset, offset + size
    while position < end:
        chunk = storage.read_at(position, min(_CHUNK + len(_BUNDLE), end - position))
        if not chunk:
            break
        compressed = compressed or (position == offset and chunk.startswith(_COMPRESSED))
        place = chunk.find(_BUNDLE)
        while 0 <= place < _CHUNK:
            table = storage.read_at(position + place, min(_LONGEST_TABLE, end - position - place))
            found[tuple(sorted(set(_targets(table))))] += 1
            place = chunk.find(_BUNDLE, place + 1)
        position += _CHUNK
    return found, "its code is compressed, and its architectures with it" if compressed and not found else ""


def _targets(table: bytes) -> Iterator[str]:
    """The targets that a bundle's table names: a count, then offset, size, length and triple of each."""
    (count,) = struct.unpack_from("<Q", table, len(_BUNDLE))
    position = len(_BUNDLE) + 8
    for _ in range(min(count, 256)):
        if position + 24 > len(table):
            return
        _, _, length = struct.unpack_from("<QQQ", table, position)
        triple = table[position + 24 : position + 24 + min(length, 512)]
        if match := _TRIPLE.match(triple):
            yield match[1].decode()
        position += 24 + length
