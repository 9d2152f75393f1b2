"""Edits of several files, carried out on all of them or on none."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from tempfile import mkstemp

from torchlink.model.errors import TorchlinkError
from torchlink.pins.rewrite import Edit
from torchlink.read.bounded import read_bounded
from torchlink.read.pins.formats import format_of
from torchlink.read.pins.survey import MAX_BYTES, read_document
from torchlink.read.pins.text import decode

_NEW = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file before and after."""

    file: str
    path: Path
    before: bytes | None
    """``None`` for a file that is not there."""
    after: bytes
    encoding: str


def changes(root: Path, edits: Sequence[Edit]) -> list[Change]:
    """What the edits make of the files.

    Raises:
        TorchlinkError: A file cannot be read or is no longer what was read, or it would not be readable afterwards.
    """
    by_file = groupby(edits, key=lambda edit: edit.place.file)
    return [_change(root, file, list(each)) for file, each in by_file]


def _change(root: Path, file: str, edits: Sequence[Edit]) -> Change:
    path = (root / file).resolve()
    before = read_bounded(path, MAX_BYTES)
    document = decode(file, before)
    text = document.text
    for edit in sorted(edits, key=lambda one: one.place.start, reverse=True):
        text = text[: edit.place.start] + edit.new + text[edit.place.end :]
    after = text.encode(document.encoding)
    _hold_against(file, before, after)
    return Change(file=file, path=path, before=before, after=after, encoding=document.encoding)


def _hold_against(file: str, before: bytes, after: bytes) -> None:
    """The file must say as much after the change as before: the same pins, and no more that cannot be read."""
    form = format_of(PurePosixPath(file))
    if form is None:
        return
    old, new = (read_document(decode(file, data), form) for data in (before, after))
    if old is None or new is None:
        return
    same = [pin.name for pin in old.pins] == [pin.name for pin in new.pins]
    if not same or len(new.unread) > len(old.unread):
        raise TorchlinkError("the change would make it unreadable", where=file, mend="change this file by hand")


def diff(found: Iterable[Change]) -> str:
    """The changes as one unified diff."""
    return "".join(_diff(change) for change in found)


def _diff(change: Change) -> str:
    old, new = (
        data.decode(change.encoding).lstrip("\ufeff").splitlines(keepends=True)
        for data in (change.before or b"", change.after)
    )
    lines = difflib.unified_diff(old, new, f"a/{change.file}", f"b/{change.file}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def write(found: Sequence[Change]) -> None:
    """Write all files or none: each beside itself first, flushed to disk, and only then all of them renamed. Where one
    cannot be renamed, those that were are put back.

    Raises:
        TorchlinkError: Nothing was changed; or, where even that failed, which files are.
    """
    ready: list[tuple[Change, Path]] = []
    done: list[Change] = []
    try:
        for change in found:
            _unchanged(change)
            ready.append((change, _beside(change.path, change.after)))
        for change, written in ready:
            written.replace(change.path)
            done.append(change)
        _flush_folders({change.path.parent for change in found})
    except BaseException as error:
        for _, written in ready[len(done) :]:
            with suppress(OSError):
                written.unlink()
        stuck = _put_back(done)
        if stuck:
            raise TorchlinkError("could not be put back as they were", where=", ".join(stuck)) from error
        if isinstance(error, OSError):
            where = str(error.filename or "")
            raise TorchlinkError(f"nothing was changed: {error.strerror}", where=where, mend="mend that") from error
        raise


def _unchanged(change: Change) -> None:
    now = read_bounded(change.path, MAX_BYTES) if change.path.exists() else None
    if now != change.before:
        raise TorchlinkError("it was changed meanwhile; nothing was written", where=change.file, mend="run it again")


def _beside(path: Path, data: bytes) -> Path:
    """A file beside another, with its mode, its bytes safely on disk."""
    descriptor, name = mkstemp(prefix=f".{path.name}.", suffix=".torchlink", dir=path.parent)
    written = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        written.chmod(path.stat().st_mode & 0o7777 if path.exists() else _NEW)
    except BaseException:
        with suppress(OSError):
            written.unlink()
        raise
    return written


def _flush_folders(folders: Iterable[Path]) -> None:
    """Renames are on disk when their folder is. Windows has no such thing, and needs none."""
    for folder in folders:
        with suppress(OSError, PermissionError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _put_back(done: Sequence[Change]) -> list[str]:
    stuck: list[str] = []
    for change in done:
        try:
            if change.before is None:
                change.path.unlink()
            else:
                _beside(change.path, change.before).replace(change.path)
        except OSError:
            stuck.append(change.file)
    return stuck
