"""What a native library exports, as digests: eight bytes a name, sorted, to be asked and not to be listed.

Of two names in the largest scope of torch, some 300,000, a chance of one in 10^8 that any share a digest.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

_DIGEST = 8


class SymbolTable:
    """The names that a library exports."""

    __slots__ = ("_digests",)

    def __init__(self, data: bytes) -> None:
        """``data`` is what `pack` made."""
        digests = array("Q")
        digests.frombytes(data[: len(data) - len(data) % _DIGEST])
        if sys.byteorder == "big":
            digests.byteswap()
        self._digests = digests

    def __len__(self) -> int:
        return len(self._digests)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        digest = _digest(name)
        place = bisect_left(self._digests, digest)
        return place < len(self._digests) and self._digests[place] == digest


def pack(names: Iterable[str]) -> bytes:
    """Names as bytes for a `SymbolTable`."""
    return b"".join(digest.to_bytes(_DIGEST, "little") for digest in sorted({_digest(name) for name in names}))


@lru_cache(maxsize=100_000)
def _digest(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest(), "little")
