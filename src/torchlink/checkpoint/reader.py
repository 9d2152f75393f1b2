"""From a file's bytes to what it holds: its format is told by content, never by name, and as torch tells it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.containers.legacy import read_bare
from torchlink.checkpoint.containers.torch_zip import read_zip
from torchlink.checkpoint.contents import Contents, Format, Problem, Stream
from torchlink.checkpoint.interpreter import run
from torchlink.checkpoint.source import Slice, Source
from torchlink.checkpoint.streams import charge, plausible
from torchlink.model.errors import UnreadableError

if TYPE_CHECKING:
    from torchlink.checkpoint.containers.dcp import Piece


class ForeignError(UnreadableError):
    """The file shows no sign of being a checkpoint at all: text, a picture, a program."""


_ZIP = b"PK\x03\x04"
_END = b"PK\x05\x06"
_TAIL = 65_557
_PAGES = (b"<!doctype html", b"<html", b"<?xml", b"<head")
_SNIFF = 1 << 16


def read_contents(source: Source, allowance: Allowance | None = None) -> Contents:
    """Read what a file holds.

    Raises ``UnreadableError`` where it is of no format that torchlink reads, where it is not whole, or where reading
    on would cost more than a file may.
    """
    allowance = allowance or Allowance()
    allowance.enter(source.name)
    try:
        return _read(source, allowance)
    finally:
        allowance.leave()


def _read(source: Source, allowance: Allowance) -> Contents:
    head = source.read(0, 512)
    if not head:
        raise ForeignError("the file is empty", where=source.name)
    if head.startswith(_ZIP):
        return _zip(source, allowance)
    _refuse_pages(head, source)
    contents = _of_known_start(head, source, allowance)
    contents = _bare(source, allowance) if contents is None else _also_as_pickle(contents, source, allowance)
    return _also_as_zip(contents, source, allowance)


def _zip(source: Source, allowance: Allowance) -> Contents:
    """An archive; or several, one after the other, of a distributed checkpoint."""
    try:
        contents = read_zip(source, allowance, read_part)
        if not any(problem.fatal for problem in contents.problems):
            return contents
        parts = _pieces(source, allowance)
    except UnreadableError:
        parts = _pieces(source, allowance)
        if not parts:
            raise
    if not parts:
        return contents
    return _distributed(source, parts, allowance)


def _pieces(source: Source, allowance: Allowance) -> tuple[Piece, ...]:
    from torchlink.checkpoint.containers.dcp import pieces_of

    return pieces_of(source, allowance)


def _distributed(source: Source, parts: tuple[Piece, ...], allowance: Allowance) -> Contents:
    """Every piece that the metadata lists, and nothing may lie between them."""
    inner: list[Contents] = []
    problems: list[Problem] = []
    position = 0
    for piece in parts:
        if piece.offset != position:
            problems.append(Problem(detail=f"bytes at {position:,} that the metadata does not list"))
        allowance.spend_part(source.name)
        inner.append(_read_member(Slice(source, piece.offset, piece.length, f"{source.name}!{piece.name}"), allowance))
        position = piece.offset + piece.length
    if position != source.size:
        problems.append(Problem(detail=f"{source.size - position:,} bytes that the metadata does not list"))
    return Contents(source=source, format=Format.DCP, nested=tuple(inner), problems=tuple(problems[:20]))


def read_part(source: Source, allowance: Allowance) -> Contents | None:
    """Read a part of an archive where it is a file of a known format; bare pickles are left to the caller."""
    head = source.read(0, 512)
    if head.startswith(_ZIP):
        allowance.enter(source.name)
        try:
            return read_zip(source, allowance, read_part)
        finally:
            allowance.leave()
    from torchlink.checkpoint.containers import numpy_files, safetensors, wrappers

    if (
        wrappers.packing(head) in ("", "zlib")
        and not head.startswith(numpy_files.MAGIC)
        and not safetensors.looks_like(source)
    ):
        return None
    try:
        return read_contents(source, allowance)
    except UnreadableError as error:
        return Contents(source=source, format=Format.UNKNOWN, problems=(Problem(detail=error.what),))


def _of_known_start(head: bytes, source: Source, allowance: Allowance) -> Contents | None:
    """The contents of a format that is known by its first bytes."""
    from torchlink.checkpoint.containers import numpy_files, safetensors, tar, wrappers

    for magic, name in wrappers.UNREAD.items():
        if head.startswith(magic):
            raise UnreadableError(f"{name} is not read", where=source.name)
    for magic, name in wrappers.FOREIGN.items():
        if head.startswith(magic):
            raise ForeignError(f"{name}, not a checkpoint", where=source.name)
    if head.startswith(numpy_files.MAGIC):
        return numpy_files.read_npy(source, allowance)
    if safetensors.looks_like(source):
        return safetensors.read_safetensors(source)
    if tar.looks_like(source):
        return tar.read_tar(source, allowance, _read_member)
    method = wrappers.packing(head)
    if method:
        inner = wrappers.unpack(source, method, allowance.unpacked)
        allowance.spend_unpacked(inner.size, source.name)
        contents = read_contents(inner, allowance)
        return replace(contents, notes=(*contents.notes, f"packed with {method}"))
    return None


def _read_member(source: Source, allowance: Allowance) -> Contents:
    """A member: what cannot be read is kept as a problem, so that the other members are still looked into."""
    try:
        return read_contents(source, allowance)
    except ForeignError as error:
        return Contents(source=source, format=Format.UNKNOWN, notes=(error.what,))
    except UnreadableError as error:
        return Contents(source=source, format=Format.UNKNOWN, problems=(Problem(detail=error.what),))


def _refuse_pages(head: bytes, source: Source) -> None:
    text = head.lstrip().lower()
    if text.startswith(b"version https://git-lfs"):
        raise UnreadableError(
            "a Git LFS pointer, not the file itself", where=source.name, mend="fetch it with 'git lfs pull'"
        )
    if text.startswith(_PAGES):
        raise UnreadableError("a web page, not a checkpoint", where=source.name, mend="download the file again")


def _bare(source: Source, allowance: Allowance) -> Contents:
    contents = read_bare(source, allowance)
    first = contents.streams[0] if contents.streams else None
    if first is not None and first.pickle.error and not plausible(first.buffer, 0, first.pickle):
        raise ForeignError("no format of checkpoint that torchlink knows", where=source.name)
    return contents


def _also_as_pickle(contents: Contents, source: Source, allowance: Allowance) -> Contents:
    """A file of another format whose bytes also run as a pickle is both."""
    buffer = source.read(0, _SNIFF)
    pickle = run(buffer, limits=allowance.limits())
    charge(allowance, pickle)
    if not pickle.globals or not plausible(buffer, 0, pickle):
        return contents
    stream = Stream(where="the file's first bytes, as a pickle", pickle=pickle, buffer=buffer)
    problem = Problem(detail="its first bytes are a pickle as well")
    return replace(contents, streams=(*contents.streams, stream), problems=(*contents.problems, problem))


def _also_as_zip(contents: Contents, source: Source, allowance: Allowance) -> Contents:
    """A zip archive at the end of another file is what ``zipfile`` and NumPy would read."""
    start = max(0, source.size - _TAIL)
    if _END not in source.read(start, _TAIL):
        return contents
    try:
        inner = read_zip(source, allowance, read_part)
    except UnreadableError:
        return contents
    problem = Problem(detail="a zip archive lies at its end")
    return replace(contents, nested=(*contents.nested, inner), problems=(*contents.problems, problem))
