"""The project's files of a change: kept before, changed all or none, put back byte for byte."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from torchlink.apply.journal import Entry, write_whole
from torchlink.model.errors import TorchlinkError
from torchlink.model.transaction import FileChange
from torchlink.read.bounded import read_bounded

MAX_BYTES = 64 * 2**20
_LIST, _FOLDER = "files.json", "files"


def keep(entry: Entry, changes: Sequence[FileChange]) -> None:
    """Keep the files of a change as they are and as they will be.

    Raises:
        TorchlinkError: one is no longer what the change was made for.
        OSError: they cannot be kept.
    """
    folder = entry.path / _FOLDER
    folder.mkdir(exist_ok=True)
    for number, change in enumerate(changes):
        if not _is(change.path, change.before):
            raise _changed(change.path)
        if change.before is not None:
            write_whole(folder / f"{number}.before", change.before)
        write_whole(folder / f"{number}.after", change.after)
    entry.write(_LIST, {"files": [str(change.path.resolve()) for change in changes]})


def forward(entry: Entry) -> None:
    """Change the files. It can be called again.

    Raises:
        TorchlinkError: somebody else has changed one.
        OSError: one cannot be written.
    """
    if foreign := _replace(_kept(entry), lambda change: (change.before, change.after)):
        raise _changed(foreign[0])


def back(entry: Entry) -> list[Path]:
    """Put the files back. It can be called again.

    Returns:
        Files that somebody else has changed: they are left as they are.

    Raises:
        OSError: one cannot be written.
    """
    return _replace(_kept(entry), lambda change: (change.after, change.before))


def touched(entry: Entry) -> list[Path]:
    """Files that are neither as they were before the change nor as it left them."""
    found: list[Path] = []
    for change in _kept(entry):
        if not _is(change.path, change.before) and not _is(change.path, change.after):
            found.append(change.path)
    return found


def _kept(entry: Entry) -> list[FileChange]:
    if not (entry.path / _LIST).is_file():
        return []
    folder = entry.path / _FOLDER
    return [
        FileChange(
            path=Path(name),
            before=_before(folder / f"{number}.before"),
            after=read_bounded(folder / f"{number}.after", MAX_BYTES),
        )
        for number, name in enumerate(entry.read(_LIST).texts("files"))
    ]


def _replace(
    changes: Sequence[FileChange], sides: Callable[[FileChange], tuple[bytes | None, bytes | None]]
) -> list[Path]:
    foreign: list[Path] = []
    for change in changes:
        old, new = sides(change)
        if _is(change.path, old):
            _put(change.path, new)
        elif not _is(change.path, new):
            foreign.append(change.path)
    return foreign


def _before(kept: Path) -> bytes | None:
    return read_bounded(kept, MAX_BYTES) if kept.exists() else None


def _put(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
    else:
        write_whole(path, data, path.stat().st_mode & 0o7777 if path.exists() else 0o644)


def _is(path: Path, data: bytes | None) -> bool:
    """Whether a file holds some bytes; for ``None``, whether there is none."""
    if data is None:
        return not os.path.lexists(path)
    with suppress(TorchlinkError):
        return read_bounded(path, MAX_BYTES) == data
    return False


def _changed(path: Path) -> TorchlinkError:
    return TorchlinkError("it was changed meanwhile", where=str(path), mend="undo that change, or run torchlink again")
