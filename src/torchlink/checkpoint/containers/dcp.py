"""Distributed checkpoints: a folder with a pickled ``.metadata``, and files of one small archive after another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.containers.legacy import read_bare
from torchlink.checkpoint.contents import Contents, Format
from torchlink.checkpoint.objects import attributes, lookup, mapping
from torchlink.checkpoint.source import LocalFile, Source
from torchlink.checkpoint.values import Call
from torchlink.model.errors import TorchlinkError

METADATA = ".metadata"
_MOST_METADATA = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One archive inside a data file."""

    name: str
    """The tensor's or value's name in the state dict."""
    file: str
    offset: int
    length: int


def pieces(metadata: Contents) -> tuple[Piece, ...]:
    """The pieces that a ``.metadata`` lists, in the order of their files and offsets."""
    root = metadata.root
    stored = mapping(lookup(attributes(root), "storage_data")) if type(root) is Call else None
    found: list[Piece] = []
    for index in range(0, len(stored or ()) - 1, 2):
        key, value = (stored or [])[index], (stored or [])[index + 1]
        if type(key) is not Call or type(value) is not Call:
            continue
        name, place = lookup(attributes(key), "fqn"), attributes(value)
        file, offset, length = lookup(place, "relative_path"), lookup(place, "offset"), lookup(place, "length")
        if isinstance(file, str) and type(offset) is int and type(length) is int and offset >= 0 and length > 0:
            found.append(Piece(name=str(name), file=file, offset=offset, length=length))
    return tuple(sorted(found, key=lambda piece: (piece.file, piece.offset)))


def pieces_of(source: Source, allowance: Allowance) -> tuple[Piece, ...]:
    """The pieces of a local data file, by the ``.metadata`` beside it; none where it is no such file."""
    if not isinstance(source, LocalFile):
        return ()
    path = Path(source.name)
    beside = path.with_name(METADATA)
    if not beside.is_file() or beside.stat().st_size > _MOST_METADATA:
        return ()
    try:
        with LocalFile(beside) as metadata:
            contents = read_bare(metadata, allowance)
    except TorchlinkError:
        return ()
    if contents.format is not Format.DCP:
        return ()
    return tuple(piece for piece in pieces(contents) if piece.file == path.name)
