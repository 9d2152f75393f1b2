"""Files of bare pickles: ``torch.save`` before 1.6, joblib, and ``pickle.dump``."""

from __future__ import annotations

import struct

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.contents import Contents, Extent, Format, Problem, Stream
from torchlink.checkpoint.source import WHOLE_LIMIT, LocalFile, Source
from torchlink.checkpoint.streams import read_pickles
from torchlink.checkpoint.tensors import ITEM_SIZE, StorageRef, storage_ref
from torchlink.checkpoint.values import Call, Global
from torchlink.model.errors import UnreadableError

MAGIC = 0x1950A86A20F9469CFC6C
"""``torch.serialization.MAGIC_NUMBER``, the first of the five pickles."""

_FIRST_WINDOW = 1 << 20
_NAMES = ("magic number", "protocol version", "system", "object", "storage keys")
_DCP = "torch.distributed.checkpoint.metadata.Metadata"


def read_bare(source: Source, allowance: Allowance) -> Contents:
    """Read a file as pickles from its first byte on, as ``torch.load`` and ``pickle.load`` would."""
    if source.read(0, 16).startswith(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8"):
        return _read_legacy(source, allowance)
    buffer = source.window(0, source.size) if _mappable(source) else _bounded(source)
    pickles = read_pickles(buffer, "pickle", allowance)
    first = pickles.streams[0].pickle if pickles.streams else None
    if first is not None and first.root == MAGIC and type(first.root) is int:
        return _read_legacy(source, allowance)
    return Contents(
        source=source,
        format=_format(pickles.joblib, first.root if first else None),
        streams=pickles.streams,
        main=0 if pickles.streams else -1,
        problems=pickles.problems,
    )


def _format(joblib: bool, root: object) -> Format:
    if joblib:
        return Format.JOBLIB
    if type(root) is Call and type(root.func) is Global and root.func.path == _DCP:
        return Format.DCP
    return Format.PICKLE


def _mappable(source: Source) -> bool:
    return source.size <= WHOLE_LIMIT or isinstance(source, LocalFile)


def _bounded(source: Source) -> bytes:
    raise UnreadableError(
        f"a bare pickle of {source.size:,} bytes can only be read from a local disk", where=source.name
    )


def _read_legacy(source: Source, allowance: Allowance) -> Contents:
    """The five pickles, then each storage's element count and bytes."""
    streams, end = _five_pickles(source, allowance)
    if len(streams) < 5 or streams[-1].pickle.error:
        return Contents(source=source, format=Format.TORCH_LEGACY, streams=streams, main=3 if len(streams) > 3 else -1)
    storages, problems = _storages(source, streams, end)
    return Contents(
        source=source,
        format=Format.TORCH_LEGACY,
        streams=streams,
        main=3,
        storages=storages,
        problems=tuple(problems),
    )


def _five_pickles(source: Source, allowance: Allowance) -> tuple[tuple[Stream, ...], int]:
    """Read them in a window that grows until they fit: they lie before the tensors."""
    window = _FIRST_WINDOW
    while True:
        buffer = source.window(0, min(window, source.size))
        before = allowance.opcodes, allowance.values
        pickles = read_pickles(buffer, "pickle", allowance, most=5)
        whole = len(pickles.streams) == 5 and not pickles.streams[-1].pickle.error
        if whole or len(buffer) == source.size or (pickles.streams and pickles.streams[-1].pickle.limit):
            streams = tuple(_named(stream, index) for index, stream in enumerate(pickles.streams))
            return streams, pickles.end
        allowance.opcodes, allowance.values = before
        window *= 8


def _named(stream: Stream, index: int) -> Stream:
    return Stream(where=f"pickle {index + 1} of 5, the {_NAMES[index]}", pickle=stream.pickle, buffer=stream.buffer)


def _storages(source: Source, streams: tuple[Stream, ...], end: int) -> tuple[dict[str, Extent], list[Problem]]:
    refs: dict[str, StorageRef] = {}
    problems: list[Problem] = []
    for found in streams[3].pickle.persistent:
        ref = storage_ref(found)
        if ref is not None:
            refs.setdefault(ref.key, ref)
        elif not _is_module(found.id):
            problems.append(Problem(detail=f"a persistent id that names no storage, at byte {found.offset:,}"))
    keys = streams[4].pickle.root
    if type(keys) is not list:
        return {}, [*problems, Problem(detail="the list of storages is no list")]
    storages: dict[str, Extent] = {}
    position = end
    for key in keys:
        known = refs.get(str(key)) if type(key) in (str, int) else None
        header = source.read(position, 8)
        if known is None or len(header) < 8:
            problems.append(Problem(detail="a storage that the pickle does not name" if known is None else "cut off"))
            return storages, problems
        (numel,) = struct.unpack("<q", header)
        size = numel * ITEM_SIZE.get(known.dtype, 1)
        if numel != known.numel or position + 8 + size > source.size:
            problems.append(
                Problem(
                    detail=f"storage {key}: {numel:,} elements in the file, the pickle says {known.numel:,}"
                    if numel != known.numel
                    else f"storage {key} is cut off"
                )
            )
            return storages, problems
        storages[known.key] = Extent(position + 8, size, size, 0, False, 0)
        position += 8 + size
    if position != source.size:
        problems.append(Problem(detail=f"{source.size - position:,} unexplained bytes after the last storage"))
    missing = [key for key, ref in refs.items() if key not in storages and ref.size]
    if missing:
        problems.append(Problem(detail=f"storage {missing[0]} is missing"))
    return storages, problems


def _is_module(identity: object) -> bool:
    """torch before 1.6 kept the source of module classes beside them: class, file, source."""
    return type(identity) is tuple and len(identity) == 4 and identity[0] == "module"
