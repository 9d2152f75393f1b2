"""A place where derived bytes are kept between runs."""

from __future__ import annotations

from typing import Protocol


class ByteStore(Protocol):
    """Remembers bytes under a kind and a key. It may forget them at any time, and never fails."""

    def get(self, kind: str, key: str) -> bytes | None:
        """Return what was put, or ``None``."""
        ...

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Remember bytes."""
        ...
