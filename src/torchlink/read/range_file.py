"""A file on a server, read by byte ranges as if it lay on disk."""

from __future__ import annotations

import io
import re

from torchlink.model.errors import UnreadableError
from torchlink.read.http import Response, UnreachableError, open_url, shown

TAIL = 64 * 1024
"""The end of a wheel is read first: its directory lies there. In bytes."""
FIRST_WINDOW = 128 * 1024
LARGEST_WINDOW = 64 * 2**20
SKIPPED = 128 * 1024
"""A gap of so many bytes is read over: a request of its own takes longer."""
_TOTAL = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class NoRangesError(UnreadableError):
    """The server answers with the whole file, whatever part is asked for."""


class RangeFile(io.RawIOBase):
    """A seekable file over HTTP ranges. Whoever reads on in order is served by few requests, each twice as long."""

    def __init__(self, url: str, size: int = 0) -> None:
        """Read the end of the file.

        Args:
            url: where it is.
            size: in bytes; 0 where it is not known.

        Raises:
            NoRangesError: the server knows no ranges.
            UnreadableError: the file is not there.
            UnreachableError: the server does not answer.
        """
        super().__init__()
        self.url = url
        self.fetched = 0
        """Bytes that were moved so far."""
        self._position = 0
        self._response: Response | None = None
        self._at = self._stop = 0
        self._window = FIRST_WINDOW
        self.size = size or self._ask_size()
        self._tail_at = max(0, self.size - TAIL)
        self._tail = self._all_of(self._tail_at, self.size)

    def _ask_size(self) -> int:
        self._request(0, 1)
        self._drop()
        return self.size

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """The position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is fetched."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, amount: int = -1, /) -> bytes:
        """Read so many bytes, or fewer at the end of the file.

        Raises:
            UnreachableError: the connection breaks.
        """
        stop = self.size if amount < 0 else min(self.size, self._position + amount)
        data = self._bytes(self._position, stop) if stop > self._position else b""
        self._position += len(data)
        return data

    def close(self) -> None:
        """End the request that is under way."""
        self._drop()
        super().close()

    def _bytes(self, start: int, stop: int) -> bytes:
        if start >= self._tail_at and self._tail:
            return self._tail[start - self._tail_at : stop - self._tail_at]
        return self._all_of(start, stop)

    def _all_of(self, start: int, stop: int) -> bytes:
        parts: list[bytes] = []
        while start < stop:
            self._reach(start, stop)
            part = self._take(min(stop, self._stop) - start)
            parts.append(part)
            start += len(part)
        return b"".join(parts)

    def _reach(self, start: int, stop: int) -> None:
        """Bring the request under way to ``start``, or send another."""
        if self._response is not None and self._at <= start <= self._at + SKIPPED and start < self._stop:
            while self._at < start:
                self._take(start - self._at)
            return
        onward = self._at <= start <= self._at + SKIPPED
        self._window = min(2 * self._window, LARGEST_WINDOW) if onward else FIRST_WINDOW
        self._drop()
        end = max(stop, start + self._window)
        self._request(start, min(end, self.size))

    def _request(self, start: int, stop: int) -> None:
        response = open_url(self.url, {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"})
        told = _TOTAL.match(response.headers.get("Content-Range", ""))
        if response.status != 206 or told is None or int(told[1]) != start:
            response.close()
            raise NoRangesError("its server knows no byte ranges", where=shown(self.url))
        self.size = int(told[3])
        self._response, self._at, self._stop = response, start, int(told[2]) + 1

    def _take(self, amount: int) -> bytes:
        if self._response is None:
            raise UnreachableError("was closed", where=shown(self.url))
        try:
            data = self._response.read(min(amount, 2**20))
        except OSError as error:
            raise UnreachableError(f"breaks off ({error})", where=shown(self.url), mend="try again") from None
        if not data:
            raise UnreachableError("breaks off", where=shown(self.url), mend="try again")
        self._at += len(data)
        self.fetched += len(data)
        if self._at >= self._stop:
            self._drop()
        return data

    def _drop(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None
