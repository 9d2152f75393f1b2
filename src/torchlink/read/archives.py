"""Zipped eggs and zip files on the search path: their folders, and one member's bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import read_head

_MAX_MEMBERS = 100_000
_TAIL = 66_000


def is_archive(path: str) -> bool:
    """Whether a path on the search path is a zip file that Python would import from."""
    try:
        return read_head(path, 2) == b"PK"
    except UnreadableError:
        return False


def archive_listings(path: str) -> dict[str, tuple[Mapping[str, tuple[int, int]], frozenset[str]]] | None:
    """Every folder of a zip file by its path (``/x/foo.egg/foo``): its files with size and the archive's own time, and
    its sub-folders. ``None`` where it is no readable zip file of at most 100,000 members.
    """
    if not is_archive(path):
        return None
    import zipfile

    try:
        when = Path(path).stat().st_mtime_ns
        with zipfile.ZipFile(path) as archive:
            members = [(info.filename, info.file_size) for info in archive.infolist()]
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile):
        return None
    if len(members) > _MAX_MEMBERS:
        return None
    files: dict[str, dict[str, tuple[int, int]]] = {path: {}}
    folders: dict[str, set[str]] = {path: set()}
    for member, size in members:
        parts = [part for part in member.split("/") if part]
        if not parts or ".." in parts or len(parts) > 48:
            continue
        current = path
        for part in parts if member.endswith("/") else parts[:-1]:
            folders[current].add(part)
            current = f"{current}{os.sep}{part}"
            files.setdefault(current, {})
            folders.setdefault(current, set())
        if not member.endswith("/"):
            files[current][parts[-1]] = (size, when)
    return {folder: (files[folder], frozenset(folders[folder])) for folder in files}


def read_member(archive_path: str, member: str, limit: int) -> bytes:
    """Return one member's bytes, at most ``limit`` of them.

    Raises ``UnreadableError`` when the archive or the member cannot be read or the member is longer.
    """
    where = f"{archive_path}/{member}"
    if not is_archive(archive_path):
        raise UnreadableError("not a zip file", where=archive_path)
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(archive_path) as archive, archive.open(member) as stream:
            data = stream.read(limit + 1)
    except KeyError:
        raise UnreadableError("no such member", where=where) from None
    except (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UnreadableError(f"cannot be unpacked ({error})", where=where) from None
    if len(data) > limit:
        raise UnreadableError(f"longer than {limit} bytes", where=where)
    return data
