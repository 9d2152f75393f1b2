"""Whether a file is as it was: its size and time in one word."""

from __future__ import annotations

from pathlib import Path


def stamp(path: Path) -> str:
    """A file's size in bytes and its time of change in nanoseconds; empty where it cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"
