"""The project's files of a change: kept before, changed all or none, put back byte for byte."""

from __future__ import annotations

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
        if read_bounded(change.path, MAX_BYTES) != change.before:
            raise _changed(change.path)
        write_whole(folder / f"{number}.before", change.before)
        write_whole(folder / f"{number}.after", change.after)
    entry.write(_LIST, {"files": [str(change.path) for change in changes]})


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
        if _bytes(change.path) not in (change.before, change.after):
            found.append(change.path)
    return found


def _kept(entry: Entry) -> list[FileChange]:
    if not (entry.path / _LIST).is_file():
        return []
    folder = entry.path / _FOLDER
    return [
        FileChange(
            path=Path(name),
            before=read_bounded(folder / f"{number}.before", MAX_BYTES),
            after=read_bounded(folder / f"{number}.after", MAX_BYTES),
        )
        for number, name in enumerate(entry.read(_LIST).texts("files"))
    ]


def _replace(changes: Sequence[FileChange], sides: Callable[[FileChange], tuple[bytes, bytes]]) -> list[Path]:
    foreign: list[Path] = []
    for change in changes:
        old, new = sides(change)
        present = _bytes(change.path)
        if present == old:
            write_whole(change.path, new, change.path.stat().st_mode & 0o7777)
        elif present != new:
            foreign.append(change.path)
    return foreign


def _bytes(path: Path) -> bytes | None:
    with suppress(TorchlinkError):
        return read_bounded(path, MAX_BYTES)
    return None


def _changed(path: Path) -> TorchlinkError:
    return TorchlinkError("it was changed meanwhile", where=str(path), mend="undo that change, or run torchlink again")
