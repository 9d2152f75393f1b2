"""The walk in another process, while this one imports what it will need: half of what an unchanged environment costs.

Where there is no ``fork`` or no file in memory that two processes share (Windows, macOS), this process walks by itself,
when it is asked.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterable

from torchlink.read import second_process
from torchlink.read.walk import Listing, Root, Walk, walk_roots

_SUMMARY = 33
"""Bytes: the digest in hexadecimal digits, and ``1`` for a complete walk."""
_CHUNK = 2**20


class WalkAhead:
    """One process that walks. It says its summary as soon as it has it, and then, if anybody listens, everything."""

    def __init__(self, roots: Iterable[Root]) -> None:
        self._roots = tuple(roots)
        self._child = 0
        self._pipe = -1
        self._heard = bytearray()
        self._own: Walk | None = None
        if second_process.is_possible():
            self._start()

    def _start(self) -> None:
        hear, say = os.pipe()
        try:
            self._child = os.fork()
        except OSError:
            os.close(hear)
            os.close(say)
            return
        if self._child == 0:
            _run(say, self._roots)
        os.close(say)
        self._pipe = hear

    def digest(self) -> str:
        """`Walk.digest`."""
        return self._heard[: _SUMMARY - 1].decode() if self._has_summary() else self.walk().digest()

    def complete(self) -> bool:
        """`Walk.complete`."""
        return self._heard[_SUMMARY - 1 :][:1] == b"1" if self._has_summary() else self.walk().complete

    def walk(self) -> Walk:
        """All of it."""
        if self._own is None:
            self._hear(sys.maxsize)
            try:
                self._own = _unpacked(bytes(self._heard[_SUMMARY:]))
            except (EOFError, ValueError, TypeError):  # there is no other process, or it was killed while it spoke
                self._own = walk_roots(self._roots)
            self.stop()
        return self._own

    def stop(self) -> None:
        """End the process, where it still runs."""
        if self._child > 0:
            second_process.end(self._child)
            os.close(self._pipe)
            self._child = 0

    def _has_summary(self) -> bool:
        self._hear(_SUMMARY)
        return len(self._heard) >= _SUMMARY

    def _hear(self, size: int) -> None:
        while self._child > 0 and len(self._heard) < size and (said := os.read(self._pipe, _CHUNK)):
            self._heard += said


def _run(say: int, roots: tuple[Root, ...]) -> None:
    """What the other process does. It never returns."""
    try:
        walk = walk_roots(roots)
        _say(say, walk.digest().encode() + (b"1" if walk.complete else b"0"))
        _say(say, _packed(walk))
    finally:
        os._exit(0)


def _say(say: int, words: bytes) -> None:
    rest = memoryview(words)
    while rest:
        rest = rest[os.write(say, rest) :]


def _packed(walk: Walk) -> bytes:
    archives = [(path, _rows(listings)) for path, listings in walk.archives.items()]
    parts = (walk.roots, walk.real_roots, _rows(walk.listings), archives, walk.natives, walk.problems)
    return marshal.dumps((*parts, walk.entries, walk.complete))


def _unpacked(data: bytes) -> Walk:
    roots, real, rows, archives, natives, problems, entries, complete = marshal.loads(data)  # noqa: S302 - by our fork
    return Walk(
        roots=roots,
        real_roots=real,
        listings=_listings(rows),
        archives={path: _listings(below) for path, below in archives},
        natives=natives,
        problems=problems,
        entries=entries,
        complete=complete,
    )


_Row = tuple[str, dict[str, tuple[int, int]], list[str]]


def _rows(listings: dict[str, Listing]) -> list[_Row]:
    return [(path, dict(one.files), list(one.folders)) for path, one in listings.items()]


def _listings(rows: list[_Row]) -> dict[str, Listing]:
    return {path: Listing(files, frozenset(folders)) for path, files, folders in rows}
