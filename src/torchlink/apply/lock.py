"""One change at a time: a lock file in the environment that the system releases when its holder dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from torchlink.apply.journal import FOLDER
from torchlink.model.errors import TorchlinkError


@contextmanager
def locked(prefix: Path) -> Iterator[None]:
    """Hold the environment's lock.

    Raises:
        TorchlinkError: another process holds it, or no file can be made there.
    """
    path = prefix / FOLDER / "lock"
    try:
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        mend = "change it as the user who owns it"
        raise TorchlinkError(f"cannot be written ({error.strerror})", where=str(path.parent), mend=mend) from error
    try:
        if not _take(descriptor):
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace") if hasattr(os, "pread") else ""
            raise TorchlinkError(
                f"another torchlink is changing this environment ({holder.strip() or 'it has not said which'})",
                where=str(prefix),
                mend="wait until it has ended",
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()}".encode())
        yield
    finally:
        os.close(descriptor)


def is_locked(prefix: Path) -> bool:
    """Whether some process is changing the environment."""
    try:
        descriptor = os.open(prefix / FOLDER / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        return not _take(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        with suppress(OSError):
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            return True
        return False

else:
    import fcntl

    def _take(descriptor: int) -> bool:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False
