"""Is a checkpoint whole? What ``torch.load`` never checks: CRCs, sizes, checksums beside the file."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.containers.zip_directory import Entry, offset_behind_header, read_directory
from torchlink.checkpoint.contents import Contents, Extent, Format
from torchlink.checkpoint.elements import unpacked
from torchlink.checkpoint.reader import read_contents
from torchlink.checkpoint.source import Source, open_source
from torchlink.checkpoint.tree import leaves, tree
from torchlink.model.errors import TorchlinkError, UnreadableError

_STEP = 4 << 20
_HASHES = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_LISTS = ("SHA256SUMS", "sha256sums.txt", "SHA512SUMS", "MD5SUMS", "checksums.txt", "checksum.txt")
_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.\w+\Z")
_LINE = re.compile(r"\\?([0-9a-fA-F]{32,128})\s+[ *]?(.+)\Z")
_MOST_LIST = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was checked, and what is wrong."""

    path: str
    format: str
    size: int
    problems: tuple[str, ...]
    checked: tuple[str, ...]
    """What was looked at: ``CRCs of 12 members``, ``sha256 in SHA256SUMS``."""


def verify(place: str | Path) -> Verified:
    """Check one file. What is broken is in the result; raises ``TorchlinkError`` only where it cannot be opened."""
    source = open_source(place)
    try:
        return _verify(source, str(place))
    finally:
        source.close()


def _verify(source: Source, path: str) -> Verified:
    problems: list[str] = []
    checked: list[str] = []
    kind = ""
    try:
        contents = read_contents(source, Allowance())
        kind = contents.format.value
        problems.extend(_structure(contents))
        problems.extend(_tensors(contents))
        checked.append("structure and tensor sizes")
        if contents.format in (Format.TORCH_ZIP, Format.TORCHSCRIPT, Format.NPZ, Format.ZIP):
            wrong, count = _crcs(source)
            problems.extend(wrong)
            checked.append(f"CRCs of {count:,} members" if count else "it has no CRCs")
    except UnreadableError as error:
        problems.append(f"{error.what}; {error.mend}" if error.mend else error.what)
    if "://" not in path:
        for what, wrong_sum in _checksums(source, Path(path)):
            checked.append(what)
            problems.extend(wrong_sum)
    unique = tuple(dict.fromkeys(problems))
    return Verified(path=path, format=kind, size=source.size, problems=unique, checked=tuple(checked))


def _structure(contents: Contents) -> Iterator[str]:
    for problem in contents.problems:
        if problem.fatal:
            yield problem.detail
    for stream in contents.streams:
        if stream.pickle.error:
            yield f"{stream.where}: {stream.pickle.error}"
    for part in contents.nested:
        yield from _structure(part)


def _tensors(contents: Contents) -> Iterator[str]:
    for leaf in leaves(tree(contents)):
        tensor = leaf.node.tensor
        if tensor is not None and not tensor.fits:
            yield f"{leaf.name} reaches outside its storage {tensor.storage.key}"


def _crcs(source: Source) -> tuple[list[str], int]:
    """Members whose bytes are not those that their CRC was made of, and how many were checked."""
    directory = read_directory(source)
    if not directory.has_crc:
        return [], 0
    wrong: list[str] = []
    for entry in directory.entries:
        try:
            if _crc(source, entry) != entry.crc:
                wrong.append(f"{entry.name}: its bytes are not those that its CRC was made of")
        except UnreadableError as error:
            wrong.append(f"{entry.name}: {error.what}")
    return wrong, len(directory.entries)


def _crc(source: Source, entry: Entry) -> int:
    begin, _ = offset_behind_header(source, entry.header, entry)
    crc = 0
    for piece in _bytes_of(source, begin, entry):
        crc = zlib.crc32(piece, crc)
    return crc


def _bytes_of(source: Source, begin: int, entry: Entry) -> Iterator[bytes]:
    if entry.method:
        yield from unpacked(
            source, begin, Extent(entry.header, entry.size, entry.packed, entry.method, True, entry.crc)
        )
        return
    for offset in range(0, entry.size, _STEP):
        data = source.read(begin + offset, min(_STEP, entry.size - offset))
        if not data:
            raise UnreadableError("cut off", where=source.name)
        yield data


def _checksums(source: Source, path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each checksum that lies beside the file, or in its name, and what is wrong by it."""
    computed: dict[str, str] = {}
    for where, expected in _expected(path):
        method = _HASHES.get(len(expected), "sha256")
        if method not in computed:
            computed[method] = _digest(source, method)
        if computed[method].startswith(expected):
            yield f"{method} in {where}", ()
        else:
            yield f"{method} in {where}", (f"its {method} is {computed[method]}, {where} says {expected}",)


def _digest(source: Source, method: str) -> str:
    hasher = hashlib.new(method)
    for offset in range(0, source.size, _STEP):
        hasher.update(source.read(offset, _STEP))
    return hasher.hexdigest()


def _expected(path: Path) -> Iterator[tuple[str, str]]:
    for suffix in (".sha256", ".sha512", ".sha1", ".md5"):
        text = _small(path.with_name(path.name + suffix))
        words = text.split()
        if words and re.fullmatch(r"[0-9a-fA-F]{32,128}", words[0]):
            yield path.name + suffix, words[0].lower()
    for name in _LISTS:
        for line in _small(path.with_name(name)).splitlines():
            match = _LINE.match(line.strip())
            if match and match.group(2).removeprefix("./") == path.name:
                yield name, match.group(1).lower()
    in_name = _IN_NAME.search(path.name)
    if in_name and len(in_name.group(1)) in (8, 10, 16, 64) and not in_name.group(1).isdigit():
        yield "its name", in_name.group(1)


def _small(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_size <= _MOST_LIST:
            return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        pass
    return ""


def verify_index(index: Path) -> Verified:
    """Check a sharded checkpoint's index against its shards: each is there, and holds what the index says.

    Raises ``UnreadableError`` where the index is none.
    """
    weight_map, total = read_index(index)
    problems: list[str] = []
    held: dict[str, set[str]] = {}
    size = 0
    for shard in sorted(set(weight_map.values())):
        path = index.parent / shard
        if Path(shard).name != shard:
            problems.append(f"shard {shard!r} lies outside the folder")
            continue
        try:
            source = open_source(path)
        except TorchlinkError as error:
            problems.append(f"shard {shard}: {error.what}")
            continue
        try:
            contents = read_contents(source, Allowance())
            found = list(leaves(tree(contents)))
            held[shard] = {leaf.name for leaf in found}
            size += sum(leaf.node.tensor.size for leaf in found if leaf.node.tensor)
            problems.extend(f"{shard}: {detail}" for detail in _structure(contents))
        except UnreadableError as error:
            problems.append(f"shard {shard}: {error.what}")
        finally:
            source.close()
    for name, shard in weight_map.items():
        if shard in held and name not in held[shard]:
            problems.append(f"{name} is not in {shard}, where the index has it")
    for shard, names in held.items():
        extra = sorted(name for name in names if weight_map.get(name) != shard)
        problems.extend(f"{name} is in {shard}, and the index does not know it" for name in extra[:20])
    if total and len(held) == len(set(weight_map.values())) and total != size:
        problems.append(f"the index says {total:,} bytes of tensors, the shards hold {size:,}")
    return Verified(
        path=str(index),
        format=Format.SHARDED.value,
        size=size,
        problems=tuple(problems[:200]),
        checked=(f"{len(weight_map):,} tensors in {len(set(weight_map.values())):,} shards",),
    )


def read_index(index: Path) -> tuple[dict[str, str], int]:
    """A sharded checkpoint's ``weight_map`` and total size. Raises ``UnreadableError`` where the file is none."""
    try:
        document: object = json.loads(_small(index))
    except (ValueError, RecursionError) as error:
        raise UnreadableError("its index is no JSON", where=str(index)) from error
    weight_map = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(weight_map, dict):
        raise UnreadableError("no index of a sharded checkpoint", where=str(index))
    metadata = document.get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, dict) else 0
    return {str(key): str(value) for key, value in weight_map.items()}, total if isinstance(total, int) else 0
