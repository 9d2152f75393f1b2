"""Files behind an address, read in ranges through fsspec."""

from __future__ import annotations

import mmap
from typing import Protocol

from torchlink.checkpoint.source import WHOLE_LIMIT
from torchlink.model.errors import TorchlinkError, UnreadableError

_BLOCK = 1 << 16
_MOST_BLOCKS = 256


class _FileSystem(Protocol):
    """The two methods of fsspec's ``AbstractFileSystem`` that are used."""

    def info(self, path: str) -> dict[str, object]: ...

    def cat_file(self, path: str, start: int, end: int) -> bytes: ...


class RemoteFile:
    """A file on object storage. Small reads come in blocks of 64 KB, which are kept; large ones as they are."""

    def __init__(self, address: str, files: _FileSystem, path: str, size: int) -> None:
        self._address = address
        self._files = files
        self._path = path
        self._size = size
        self._blocks: dict[int, bytes] = {}
        self.transferred = 0
        """Bytes fetched so far."""

    @property
    def name(self) -> str:
        return self._address

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + max(length, 0), self._size)
        if offset >= end:
            return b""
        if end - offset > _BLOCK:
            return self._fetch(offset, end)
        pieces = [self._block(index) for index in range(offset // _BLOCK, (end - 1) // _BLOCK + 1)]
        start = offset % _BLOCK
        return b"".join(pieces)[start : start + end - offset]

    def window(self, offset: int, length: int) -> bytes | mmap.mmap:
        if length > WHOLE_LIMIT:
            raise UnreadableError(f"{length:,} bytes are too many to fetch", where=self._address)
        return self.read(offset, length)

    def close(self) -> None:
        self._blocks.clear()

    def _block(self, index: int) -> bytes:
        known = self._blocks.get(index)
        if known is None:
            if len(self._blocks) >= _MOST_BLOCKS:
                self._blocks.clear()
            known = self._fetch(index * _BLOCK, min((index + 1) * _BLOCK, self._size))
            self._blocks[index] = known
        return known

    def _fetch(self, start: int, end: int) -> bytes:
        try:
            data = self._files.cat_file(self._path, start=start, end=end)
        except (OSError, ValueError) as error:
            raise TorchlinkError(f"cannot be read: {error}", where=self._address) from error
        self.transferred += len(data)
        return data


def open_remote(address: str) -> RemoteFile:
    """Open an address. Raises ``TorchlinkError`` where fsspec, or its part for this kind of address, is missing."""
    try:
        import fsspec
    except ImportError as error:
        raise TorchlinkError(
            "an address needs fsspec", where=address, mend="install it: pip install 'torchlink[remote]'"
        ) from error
    try:
        files, path = fsspec.core.url_to_fs(address)
        size = files.info(path).get("size")
    except (ImportError, ValueError, OSError) as error:
        raise TorchlinkError(f"cannot be opened: {error}", where=address) from error
    if not isinstance(size, int):
        raise UnreadableError("its size is not known", where=address)
    return RemoteFile(address, files, path, size)
