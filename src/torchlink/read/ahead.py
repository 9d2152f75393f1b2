"""Parsing ahead on the second core: a forked process parses what will soon be asked for, in the order of the imports.

Results lie in an anonymous file in memory that both processes share, so neither waits for the other. Where there is no
``fork`` or no such file (Windows, macOS), nothing is parsed ahead.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable

from torchlink.read import second_process

_HEADER = struct.Struct("<II")
MAX_BYTES = 512 * 2**20
"""The process ends when it has written so much."""

Parsed = tuple[str, bytes]
"""A file's path, and its facts as bytes."""


class ReadAhead:
    """One process that parses ahead. ``take`` gives what it has finished."""

    def __init__(self, work: Callable[[], Iterable[Parsed]]) -> None:
        """Start it. ``work`` yields what it parses; it runs in the other process alone."""
        self._file = -1
        self._child = 0
        self._seen = 0
        self._places: dict[str, tuple[int, int]] = {}
        if not second_process.is_possible():
            return
        try:
            self._file = os.memfd_create("torchlink-ahead")
            self._child = os.fork()
        except OSError:
            return
        if self._child == 0:
            _run(self._file, work)

    def take(self, path: str) -> bytes | None:
        """The facts of a file, where they are finished."""
        if path not in self._places:
            self._look()
        place = self._places.get(path)
        return None if place is None else os.pread(self._file, place[1], place[0])

    def stop(self) -> None:
        """End the process and free the memory."""
        if self._child > 0:
            second_process.end(self._child)
            self._child = 0
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _look(self) -> None:
        """Index what has been written since the last look."""
        if self._file < 0:
            return
        size = os.fstat(self._file).st_size
        while self._seen + _HEADER.size <= size:
            name, data = _HEADER.unpack(os.pread(self._file, _HEADER.size, self._seen))
            begin = self._seen + _HEADER.size
            if begin + name + data > size:
                return
            self._places[os.fsdecode(os.pread(self._file, name, begin))] = (begin + name, data)
            self._seen = begin + name + data


def _run(file: int, work: Callable[[], Iterable[Parsed]]) -> None:
    """What the other process does. It never returns; after an error nothing more is parsed ahead."""
    written = 0
    try:
        for path, data in work():
            name = os.fsencode(path)
            written += os.write(file, _HEADER.pack(len(name), len(data)) + name + data)
            if written > MAX_BYTES:
                break
    finally:
        os._exit(0)
