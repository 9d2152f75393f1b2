"""Every file of a project that may pin a version, read by its reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.names import distribution_of
from torchlink.model.pins import FileKind, Pin, PinFile, PinSurvey, Role, Unread
from torchlink.read.bounded import read_bounded
from torchlink.read.pins import requirements_txt
from torchlink.read.pins.files import pin_paths
from torchlink.read.pins.formats import format_of
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.text import Document, decode

MAX_BYTES = 16 * 2**20
MAX_SOURCE_BYTES = 2 * 2**20
_Told = Callable[[str, int, int], None]


def read_pins(root: Path, told: _Told | None = None) -> PinSurvey:
    """Read every pin of a project.

    Args:
        root: The project's folder, or one file of it.
        told: Called with a stage, what is done, and what there is to do (0: not known).

    Raises:
        TorchlinkError: There is no such file or folder.
    """
    if root.is_file():
        folder, paths = root.resolve().parent, [PurePosixPath(root.name)]
    elif root.is_dir():
        folder = root.resolve()
        paths = pin_paths(folder)
    else:
        raise TorchlinkError("no such file or folder", where=str(root), mend="name the project's folder")
    return read_paths(folder, paths, told)


def read_paths(folder: Path, paths: Sequence[PurePosixPath], told: _Told | None = None) -> PinSurvey:
    """Read the pins of some files.

    Args:
        folder: The project's folder.
        paths: Files in it, relative to it.
        told: As in `read_pins`.
    """
    files: list[PinFile] = []
    unread: list[Unread] = []
    for number, path in enumerate(paths):
        if told is not None and number % 50 == 0:
            told("reading pins", number, len(paths))
        found = _read(folder, path, unread)
        if found is not None:
            files.append(found)
    files.extend(_included(folder, files, unread))
    return PinSurvey(root=str(folder), files=_without_strangers(files), unread=tuple(unread))


def _read(root: Path, path: PurePosixPath, unread: list[Unread]) -> PinFile | None:
    form = format_of(path)
    return None if form is None else _read_as(root, path, form, unread)


def _read_as(root: Path, path: PurePosixPath, form: Format, unread: list[Unread]) -> PinFile | None:
    try:
        data = read_bounded(root / path, MAX_SOURCE_BYTES if form.kind is FileKind.SOURCE else MAX_BYTES)
        if form.hint is not None and not form.hint.search(data):
            return None
        document = decode(str(path), data)
    except UnreadableError as error:
        if form.kind is not FileKind.SOURCE:
            unread.append(Unread(file=str(path), line=0, reason=error.what))
        return None
    return read_document(document, form)


def read_document(document: Document, form: Format) -> PinFile | None:
    """Read one document as a kind of file; ``None`` where it says nothing of versions."""
    contents = Contents(document=document)
    form.read(contents)
    if document.note and contents.pins:
        contents.cannot_read(None, document.note)
    found = contents.result(form.name, form.kind)
    return found if found.pins or found.steps or found.includes or _worth_telling(found, form) else None


def _worth_telling(file: PinFile, form: Format) -> bool:
    """Whether a file without a pin is told for what could not be read: its kind is there for pins alone, or it looks as
    if it had some.
    """
    if file.kind in (FileKind.MANIFEST, FileKind.LOCK):
        return bool(file.unread)
    return form.hint is not None and any(not one.line for one in file.unread)


def _included(root: Path, files: list[PinFile], unread: list[Unread]) -> Iterator[PinFile]:
    """Files that others name (``-r deps.txt``) and whose own name does not say what they are."""
    seen = {file.file for file in files}
    pending = [(one.path, one.constraint) for file in files for one in file.includes]
    pending += [(path, True) for file in files for step in file.steps for path in step.constraint_files]
    pending += [(path, False) for file in files for step in file.steps for path in step.requirement_files]
    while pending:
        path, constraint = pending.pop(0)
        if path in seen or "$" in path or "://" in path:
            continue
        seen.add(path)
        if path.startswith(("..", "/")) or not (root / path).is_file():
            continue
        found = _read_as(root, PurePosixPath(path), requirements_txt.FORMAT, unread)
        if found is not None:
            pending += [(one.path, one.constraint) for one in found.includes]
            yield _as_constraints(found) if constraint else found


def _as_constraints(file: PinFile) -> PinFile:
    return replace(file, pins=tuple(replace(pin, role=Role.CONSTRAINT) for pin in file.pins))


def _without_strangers(files: list[PinFile]) -> tuple[PinFile, ...]:
    """Leave out variables, rows and sentences about names that nothing in the project installs: ``NODE_VERSION``."""
    installed = {distribution_of(pin.name) for file in files for pin in file.pins if not _is_hearsay(pin)} - {"python"}
    kept = (
        replace(
            file,
            pins=tuple(pin for pin in file.pins if not _is_hearsay(pin) or distribution_of(pin.name) in installed),
        )
        for file in files
    )
    return tuple(
        sorted((one for one in kept if one.pins or one.steps or one.includes or one.unread), key=lambda one: one.file)
    )


def _is_hearsay(pin: Pin) -> bool:
    return pin.role is Role.VARIABLE or (pin.role is Role.MENTION and pin.context in ("text", "table"))
