"""Writing large files: beside the final name, copied inside the kernel, flushed while it goes on, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from pathlib import Path
from types import TracebackType

from torchlink.checkpoint.source import LocalFile, Source
from torchlink.model.errors import TorchlinkError

_STEP = 16 << 20
_BUFFER = 256 << 10
_FLUSH_EVERY_S = 0.02
_NO_KERNEL_COPY = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}


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
        self._kernel_copy = hasattr(os, "copy_file_range")
        self._finished = threading.Event()
        self._flusher: threading.Thread | None = None

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_flusher()
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
        if size > _STEP:
            self._start_flusher()
        done = 0
        if isinstance(source, LocalFile) and self._kernel_copy:
            done = self._copy_in_kernel(source, offset, size)
        while done < size:
            data = source.read(offset + done, min(_BUFFER, size - done))
            if not data:
                raise TorchlinkError("the file ends within a tensor", where=source.name)
            self.write(data)
            done += len(data)

    def _copy_in_kernel(self, source: LocalFile, offset: int, size: int) -> int:
        """How many bytes the kernel has copied; fewer where it cannot between these files."""
        done = 0
        try:
            while done < size:
                step = os.copy_file_range(source.descriptor, self._descriptor, min(_STEP, size - done), offset + done)
                if not step:
                    break
                done += step
        except OSError as error:
            if error.errno not in _NO_KERNEL_COPY:
                raise self._failed(error) from error
            self._kernel_copy = False
        self.position += done
        return done

    def _start_flusher(self) -> None:
        """Send to the disk what is written already, while more is being written."""
        if self._flusher is None and hasattr(os, "fdatasync"):
            self._flusher = threading.Thread(target=self._flush, daemon=True)
            self._flusher.start()

    def _flush(self) -> None:
        with contextlib.suppress(OSError):  # the last fsync tells
            while not self._finished.wait(_FLUSH_EVERY_S):
                os.fdatasync(self._descriptor)

    def _stop_flusher(self) -> None:
        self._finished.set()
        if self._flusher is not None:
            self._flusher.join()

    def _discard(self) -> None:
        os.close(self._descriptor)
        self._partial.unlink(missing_ok=True)

    def _failed(self, error: OSError) -> TorchlinkError:
        return TorchlinkError(f"cannot be written ({error.strerror})", where=str(self._path), mend="free some space")


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
