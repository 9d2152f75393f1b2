"""Bytes at a position: the one way in which checkpoint files are read, wherever they lie."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from types import TracebackType
from typing import Protocol

from torchlink.model.errors import TorchlinkError, UnreadableError

WHOLE_LIMIT = 64 << 20
"""Up to this size a range is read into memory; a larger one is mapped, or refused where it cannot be mapped."""


class Source(Protocol):
    """A file of known size that can be read at any position."""

    @property
    def name(self) -> str:
        """How the user knows it: a path or an address."""
        ...

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes; fewer only where the file ends."""
        ...

    def window(self, offset: int, length: int) -> bytes | mmap.mmap:
        """A buffer of exactly the range, for random access. Raises ``UnreadableError`` where that needs too much."""
        ...

    def close(self) -> None: ...


class LocalFile:
    """A file on this machine, read with ``pread``: no buffer, no shared position."""

    def __init__(self, path: Path) -> None:
        self._name = str(path)
        try:
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            raise TorchlinkError(error.strerror or "cannot be opened", where=str(path)) from error
        status = os.fstat(self._descriptor)
        if not _regular(status.st_mode):
            os.close(self._descriptor)
            raise UnreadableError("not a regular file", where=str(path))
        self._size = status.st_size

    @property
    def name(self) -> str:
        return self._name

    @property
    def size(self) -> int:
        return self._size

    @property
    def descriptor(self) -> int:
        """For copies inside the kernel."""
        return self._descriptor

    def read(self, offset: int, length: int) -> bytes:
        if offset >= self._size or length <= 0:
            return b""
        return _read_fully(self._descriptor, offset, min(length, self._size - offset))

    def window(self, offset: int, length: int) -> bytes | mmap.mmap:
        if length <= WHOLE_LIMIT:
            return self.read(offset, length)
        start = offset - offset % mmap.ALLOCATIONGRANULARITY
        if start != offset:
            raise UnreadableError(f"{length:,} bytes of pickle at {offset:,} are too many to read", where=self._name)
        return mmap.mmap(self._descriptor, length, access=mmap.ACCESS_READ, offset=offset)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> LocalFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class MemorySource:
    """Bytes that are in memory already: what a wrapper held, or what a pickle carried inside."""

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + max(length, 0)]

    def window(self, offset: int, length: int) -> bytes | mmap.mmap:
        return self.read(offset, length)

    def close(self) -> None:
        return None


class Slice:
    """A range of another source, as a source of its own."""

    def __init__(self, parent: Source, offset: int, size: int, name: str) -> None:
        self._parent = parent
        self._offset = offset
        self._size = max(0, min(size, parent.size - offset))
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        if offset >= self._size:
            return b""
        return self._parent.read(self._offset + offset, min(length, self._size - offset))

    def window(self, offset: int, length: int) -> bytes | mmap.mmap:
        return self._parent.window(self._offset + offset, min(length, self._size - offset))

    def close(self) -> None:
        return None


def open_source(place: str | Path) -> Source:
    """Open a path, or an address such as ``s3://bucket/model.pt`` through fsspec.

    Raises ``TorchlinkError`` where it cannot be opened, or where an address is given and fsspec is not installed.
    """
    text = str(place)
    if "://" in text:
        from torchlink.checkpoint.remote import open_remote

        return open_remote(text)
    return LocalFile(Path(place))


def _regular(mode: int) -> bool:
    import stat

    return stat.S_ISREG(mode)


def _read_fully(descriptor: int, offset: int, length: int) -> bytes:
    data = os.pread(descriptor, length, offset)
    if len(data) == length or not data:
        return data
    pieces = [data]
    missing = length - len(data)
    while missing:
        data = os.pread(descriptor, missing, offset + length - missing)
        if not data:
            break
        pieces.append(data)
        missing -= len(data)
    return b"".join(pieces)
