"""Writing large files: beside the final name, copied inside the kernel, flushed while it goes on, then renamed."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from torchlink.checkpoint.source import LocalFile, Source
from torchlink.model.errors import TorchlinkError

_FAR = 4 << 20
_LARGE = 32 << 20
"""So much is sent to the disk at once, while more is being written."""
_HUGE = 2 << 30
"""From this size on the page cache cannot be trusted to hold both source and target."""
_SYNC_FILE_RANGE_WRITE = 2
_BUFFER = 1 << 20


class Output:
    """A file that appears under its name only when it is whole and on the disk.

    Leaving the ``with`` block by an exception removes what was written. Raises ``TorchlinkError`` where the disk is
    full or the folder cannot be written.
    """

    def __init__(self, path: Path, *, replace: bool = False) -> None:
        if path.exists() and not replace:
            raise TorchlinkError("the file exists", where=str(path), mend="name another, or pass --overwrite")
        self._path = path
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(self._partial, flags, 0o666)
        except OSError as error:
            raise TorchlinkError(f"cannot be written ({error.strerror})", where=str(path)) from error
        self.position = 0
        """Where the next byte goes."""
        self._buffer = memoryview(bytearray(_BUFFER))
        self._sent = 0
        self._send: Callable[[int, int, int, int], int] | None = None

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                os.fsync(self._descriptor)
        except OSError as reason:
            self._discard()
            raise self._failed(reason) from reason
        if kind is not None:
            self._discard()
            return
        os.close(self._descriptor)
        self._partial.replace(self._path)
        _sync_folder(self._path.parent)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            raise self._failed(error) from error
        self.position += len(data)

    def copy(self, source: Source, offset: int, size: int) -> None:
        """Append a range of a source. Raises ``TorchlinkError`` where the source ends before."""
        end = offset + size
        if isinstance(source, LocalFile):
            offset = self._copy_local(source, offset, end)
        while offset < end:
            data = source.read(offset, min(_FAR, end - offset))
            if not data:
                raise TorchlinkError("the file ends within a tensor", where=source.name)
            self.write(data)
            offset += len(data)

    def _copy_local(self, source: LocalFile, offset: int, end: int) -> int:
        """Through a buffer that stays in the processor's cache, and return how far the copy came.

        The kernel's own copy_file_range is slower here: tensors do not begin at the same place in a page as they will.
        """
        reader, writer, buffer = source.descriptor, self._descriptor, self._buffer
        try:
            while offset < end:
                count = os.preadv(reader, [buffer[: end - offset]], offset)
                if not count:
                    break
                done = os.write(writer, buffer[:count])
                offset += done
                self.position += done
                if self.position - self._sent >= _LARGE:
                    self._send_to_disk()
        except OSError as error:
            raise self._failed(error) from error
        return offset

    def _send_to_disk(self) -> None:
        """Let the kernel begin to write out what it holds while more comes: the last fsync then has little left."""
        if not self._sent and sys.platform == "linux":
            self._send = _sender()
        if self._send is not None:
            self._send(self._descriptor, self._sent, self.position - self._sent, _SYNC_FILE_RANGE_WRITE)
        behind = self._sent - 4 * _LARGE
        if behind > _HUGE and hasattr(os, "posix_fadvise"):
            # What is on the disk by now need not push the source out of the page cache: a third of the time at 6 GB.
            os.posix_fadvise(self._descriptor, 0, behind, os.POSIX_FADV_DONTNEED)
        self._sent = self.position

    def _discard(self) -> None:
        os.close(self._descriptor)
        self._partial.unlink(missing_ok=True)

    def _failed(self, error: OSError) -> TorchlinkError:
        return TorchlinkError(f"cannot be written ({error.strerror})", where=str(self._path), mend="free some space")


def _sender() -> Callable[[int, int, int, int], int] | None:
    """Linux' ``sync_file_range``, which Python does not have."""
    import ctypes

    try:
        function = ctypes.CDLL(None, use_errno=True).sync_file_range
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    function.restype = ctypes.c_int
    return function


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
