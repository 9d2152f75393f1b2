"""What the released wheels of torch export, release by release: every symbol of its own libraries.

Half a million names are too many to ship as they are. Of each one five bytes of its digest are kept, sorted, and
the set of releases that export it; a foreign name is taken for one of torch's once in two million look-ups.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib.resources import files

_FILE = "torch-exports.bin"
DIGEST = 5
"""Bytes of a name's digest."""
_INDEX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MinedWheel:
    """A wheel whose exports were read."""

    version: str
    filename: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchExports:
    """The symbols that releases of torch export. It is an ``Exports``."""

    wheels: tuple[MinedWheel, ...]
    """Oldest release first."""
    sets: tuple[int, ...]
    """Sets of releases that export the same names: a bit for each of ``wheels``, the lowest for the first."""
    digests: bytes
    """Of all names, sorted."""
    indexes: bytes
    """For each digest the place of its set in ``sets``, two bytes with the lower one first."""

    @property
    def machine(self) -> str:
        """The machine that the wheels were built for."""
        return "x86_64"

    @property
    def releases(self) -> tuple[str, ...]:
        """The releases whose wheels were read, oldest first."""
        return tuple(wheel.version for wheel in self.wheels)

    def releases_exporting(self, symbol: str) -> tuple[str, ...]:
        """The releases that export a symbol, given mangled; empty where none does."""
        wanted, count = digest(symbol), len(self.digests) // DIGEST
        at = bisect_left(range(count), wanted, key=self._digest)
        if at == count or self._digest(at) != wanted:
            return ()
        return _members(self.sets[self._index(at)], self.releases)

    def of_release(self, place: int) -> frozenset[bytes]:
        """The digests of what the wheel at a place exports."""
        count, bit = len(self.digests) // DIGEST, 1 << place
        return frozenset(self._digest(at) for at in range(count) if self.sets[self._index(at)] & bit)

    def _digest(self, at: int) -> bytes:
        return self.digests[DIGEST * at : DIGEST * (at + 1)]

    def _index(self, at: int) -> int:
        return int.from_bytes(self.indexes[_INDEX * at : _INDEX * (at + 1)], "little")


@lru_cache(maxsize=1024)
def _members(bits: int, releases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(release for place, release in enumerate(releases) if bits >> place & 1)


def digest(symbol: str) -> bytes:
    """What is kept of a name."""
    return hashlib.blake2b(symbol.encode("utf-8", "surrogateescape"), digest_size=DIGEST).digest()


def gathered(exported: Sequence[tuple[MinedWheel, Iterable[bytes]]]) -> TorchExports:
    """The table of some wheels, oldest release first, each with the digests of what it exports."""
    bits: dict[bytes, int] = {}
    for place, (_, digests) in enumerate(exported):
        for one in digests:
            bits[one] = bits.get(one, 0) | 1 << place
    sets = tuple(sorted(frozenset(bits.values())))
    index = {one: at.to_bytes(_INDEX, "little") for at, one in enumerate(sets)}
    ordered = sorted(bits)
    return TorchExports(
        wheels=tuple(wheel for wheel, _ in exported),
        sets=sets,
        digests=b"".join(ordered),
        indexes=b"".join(index[bits[one]] for one in ordered),
    )


def pack(table: TorchExports) -> bytes:
    """A table as a file: a line of JSON, the digests, the indexes."""
    head = {"wheels": [asdict(wheel) for wheel in table.wheels], "sets": [f"{one:x}" for one in table.sets]}
    return b"".join((json.dumps(head, separators=(",", ":")).encode(), b"\n", table.digests, table.indexes))


def unpack(data: bytes) -> TorchExports:
    """The table that was packed."""
    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    end = len(rest) // (DIGEST + _INDEX) * DIGEST
    return TorchExports(
        wheels=tuple(MinedWheel(**wheel) for wheel in head["wheels"]),
        sets=tuple(int(one, 16) for one in head["sets"]),
        digests=rest[:end],
        indexes=rest[end:],
    )


@cache
def shipped_exports() -> TorchExports:
    """The table that comes with torchlink."""
    return unpack((files("torchlink.catalog") / "data" / _FILE).read_bytes())
