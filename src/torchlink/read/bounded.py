"""Reading a file that may be anything: never more than a bound, never from a pipe or device that would block."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from torchlink.model.errors import UnreadableError

_STEP = 1 << 20
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read_bounded(path: str | os.PathLike[str], limit: int) -> bytes:
    """Return a regular file's bytes.

    Raises ``UnreadableError`` when the file is longer than ``limit`` bytes, is not a regular file or cannot be read.
    """
    data = read_head(path, limit + 1)
    if len(data) > limit:
        raise UnreadableError(f"longer than {limit} bytes", where=os.fspath(path))
    return data


def read_head(path: str | os.PathLike[str], size: int) -> bytes:
    """Return at most the first ``size`` bytes of a regular file.

    Raises ``UnreadableError`` when it is not a regular file or cannot be read.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        raise UnreadableError(_reason(error), where=os.fspath(path)) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("not a regular file", where=os.fspath(path))
        return _read(descriptor, size, status.st_size)
    except OSError as error:
        raise UnreadableError(_reason(error), where=os.fspath(path)) from None
    finally:
        os.close(descriptor)


def is_folder(path: str) -> bool:
    """Whether a folder is there; false for whatever cannot be a path."""
    mode = _mode(path)
    return mode is not None and stat.S_ISDIR(mode)


def is_file(path: str) -> bool:
    """Whether a regular file is there; false for whatever cannot be a path."""
    mode = _mode(path)
    return mode is not None and stat.S_ISREG(mode)


def _mode(path: str) -> int | None:
    # ``Path.exists`` and its like raise where a name is too long or holds a null byte.
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):
        return None


def _read(descriptor: int, size: int, length: int) -> bytes:
    """Read up to ``size`` bytes; ``length`` is what the file claims, so that memory is asked for that much only."""
    wanted = min(size, length + 1)
    chunk = os.read(descriptor, wanted)
    if len(chunk) < wanted:
        # A regular file gives less than was asked for only at its end.
        return chunk
    chunks = [chunk]
    got = len(chunk)
    while chunk and got < size:
        chunk = os.read(descriptor, min(size - got, _STEP))
        chunks.append(chunk)
        got += len(chunk)
    return b"".join(chunks)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
