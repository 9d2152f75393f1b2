"""Tar archives: ``torch.save`` before 0.4 (tried by ``torch.load`` first of all), and tars of other checkpoints."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.contents import Contents, Extent, Format, Problem, Stream
from torchlink.checkpoint.interpreter import run
from torchlink.checkpoint.machine import Pickle
from torchlink.checkpoint.source import WHOLE_LIMIT, Slice, Source
from torchlink.checkpoint.streams import charge, read_pickles
from torchlink.checkpoint.tensors import ITEM_SIZE, storage_dtype
from torchlink.checkpoint.values import Global
from torchlink.model.errors import UnreadableError

Nested = Callable[[Source, Allowance], Contents]

_BLOCK = 512
_TORCH_MEMBERS = {"storages", "tensors", "pickle"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    name: str
    offset: int
    size: int
    regular: bool


def looks_like(source: Source) -> bool:
    """Whether ``tarfile`` would open it: the first block's checksum holds."""
    head = source.read(0, _BLOCK)
    return len(head) == _BLOCK and any(head) and _checksum_holds(head)


def read_tar(source: Source, allowance: Allowance, nested: Nested) -> Contents:
    """Read every member. Raises ``UnreadableError`` where an archive is broken."""
    members = _members(source, allowance)
    names = [member.name for member in members]
    problems = [Problem(detail=f"several members are called {name}") for name in sorted(_repeated(names))]
    if set(names) >= _TORCH_MEMBERS:
        return _read_torch(source, members, allowance, problems)
    inner: list[Contents] = []
    for member in members:
        if not member.regular:
            continue
        part = Slice(source, member.offset, member.size, f"{source.name}!{member.name}")
        inner.append(nested(part, allowance))
    return Contents(source=source, format=Format.TAR, nested=tuple(inner), problems=tuple(problems))


def _repeated(names: list[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1} if len(names) < 1000 else set()


def _checksum_holds(block: bytes) -> bool:
    recorded = _number(block[148:156])
    unsigned = sum(block[:148]) + sum(block[156:]) + 8 * 32
    signed = unsigned - 256 * sum(byte > 127 for byte in block[:148] + block[156:])
    return recorded in (unsigned, signed)


def _number(raw: bytes) -> int:
    """An octal number, or GNU's binary one."""
    if raw[:1] in (b"\x80", b"\xff"):
        return int.from_bytes(raw[1:], "big", signed=False) if raw[0] == 0x80 else -1
    text = raw.split(b"\x00")[0].strip()
    return int(text, 8) if text and not text.strip(b"01234567") else (0 if not text else -1)


def _members(source: Source, allowance: Allowance) -> list[_Member]:
    members: list[_Member] = []
    position = 0
    long_name = ""
    while position + _BLOCK <= source.size:
        block = source.read(position, _BLOCK)
        if not any(block):
            break
        size = _number(block[124:136])
        if not _checksum_holds(block) or size < 0 or position + _BLOCK + size > source.size:
            raise UnreadableError(f"a broken tar header at byte {position:,}", where=source.name)
        allowance.spend_part(source.name)
        kind = block[156:157]
        if kind in b"LxgK":
            long_name = _long_name(kind, source.read(position + _BLOCK, min(size, 65_536))) or long_name
        else:
            name = long_name or _name(block)
            regular = kind in (b"0", b"\x00", b"7")
            members.append(_Member(name=name, offset=position + _BLOCK, size=size, regular=regular and size > 0))
            long_name = ""
        position += _BLOCK + (size + _BLOCK - 1) // _BLOCK * _BLOCK
    return members


def _name(block: bytes) -> str:
    name = block[:100].split(b"\x00")[0]
    prefix = block[345:500].split(b"\x00")[0] if block[257:262] == b"ustar" else b""
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "replace")


def _long_name(kind: bytes, body: bytes) -> str:
    """GNU's long name, or the path of a PAX record."""
    if kind == b"L":
        return body.split(b"\x00")[0].decode("utf-8", "replace")
    if kind == b"x":
        for record in body.split(b"\n"):
            _, _, rest = record.partition(b" ")
            if rest.startswith(b"path="):
                return rest[5:].decode("utf-8", "replace")
    return ""


def _read_torch(source: Source, members: list[_Member], allowance: Allowance, problems: list[Problem]) -> Contents:
    """Every pickle of the three members that ``torch.load`` reads, and of any other."""
    streams: list[Stream] = []
    storages: dict[str, Extent] = {}
    main = -1
    for member in members:
        if not member.regular:
            continue
        reader = _Reader(Slice(source, member.offset, member.size, member.name), allowance, streams, member.name)
        if member.name == "storages":
            problems.extend(_storages(reader, member.offset, storages))
        elif member.name == "tensors":
            problems.extend(_tensors(reader))
        else:
            main = len(streams) if member.name == "pickle" else main
            reader.rest()
    return Contents(
        source=source,
        format=Format.TORCH_TAR,
        streams=tuple(streams),
        main=main,
        storages=storages,
        problems=tuple(problems),
    )


class _Reader:
    """Pickles and raw numbers, one after the other, of one member."""

    def __init__(self, part: Source, allowance: Allowance, streams: list[Stream], name: str) -> None:
        if part.size > WHOLE_LIMIT:
            raise UnreadableError("a legacy tar of more than 64 MB is not read", where=name)
        allowance.spend_unpacked(part.size, name)
        self.data = part.read(0, part.size)
        self.position = 0
        self._allowance = allowance
        self._streams = streams
        self._name = name

    def pickle(self) -> Pickle:
        found = run(self.data, self.position, limits=self._allowance.limits())
        charge(self._allowance, found)
        self.position = found.end
        self._streams.append(Stream(where=self._name, pickle=found, buffer=self.data))
        return found

    def rest(self) -> None:
        self._streams.extend(read_pickles(self.data, self._name, self._allowance, start=self.position).streams)

    def numbers(self, pattern: str) -> tuple[int, ...]:
        values: tuple[int, ...] = struct.unpack_from(pattern, self.data, self.position)
        self.position += struct.calcsize(pattern)
        return values


def _storages(reader: _Reader, base: int, into: dict[str, Extent]) -> list[Problem]:
    """Count; then for each its key, device and type, its number of elements, and its bytes; then the views."""
    total = reader.pickle()
    for _ in range(total.root if type(total.root) is int else 0):
        found = reader.pickle()
        fields = found.root
        if found.error or type(fields) is not tuple or len(fields) != 3 or type(fields[2]) is not Global:
            return [Problem(detail="storages: a storage without its description")]
        size_of = ITEM_SIZE.get(storage_dtype(fields[2]), 0)
        if not size_of or reader.position + 8 > len(reader.data):
            return [Problem(detail="storages: a storage of a type that is not known, or cut off")]
        (numel,) = reader.numbers("<q")
        if numel < 0 or reader.position + numel * size_of > len(reader.data):
            return [Problem(detail="storages: cut off")]
        into[str(fields[0])] = Extent(base + reader.position, numel * size_of, numel * size_of, 0, False, 0)
        reader.position += numel * size_of
    reader.rest()
    return []


def _tensors(reader: _Reader) -> list[Problem]:
    """Count; then for each its key, storage and type, and its geometry."""
    total = reader.pickle()
    for _ in range(total.root if type(total.root) is int else 0):
        if reader.pickle().error or reader.position + 8 > len(reader.data):
            return [Problem(detail="tensors: cut off")]
        ndim, _ = reader.numbers("<ii")
        if not 0 <= ndim <= 64 or reader.position + 16 * ndim + 8 > len(reader.data):
            return [Problem(detail="tensors: a tensor without its geometry")]
        reader.position += 16 * ndim + 8
    reader.rest()
    return []
