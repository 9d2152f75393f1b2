"""The hash tables of ELF files, by which a dynamic linker finds a symbol without reading them all.

``DT_GNU_HASH`` (as glibc's ``dl-lookup.c`` reads it): four words (buckets, first hashed symbol, Bloom words, Bloom
shift), the Bloom filter, the buckets, and one word per hashed symbol: its hash, whose lowest bit ends a bucket's
chain. ``DT_HASH``: System V ABI, chapter 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from operator import mul
from struct import Struct, unpack

from torchlink.read.elf_image import ElfImage

SEED = 5381
MAX_CHAIN = 1 << 16
BLOCK = 256

_POWERS: tuple[int, ...] = tuple(pow(33, exponent, 1 << 32) for exponent in range(512))


@lru_cache(maxsize=1 << 15)
def gnu_hash(name: bytes) -> int:
    """Bernstein's hash modulo 2**32."""
    size = len(name)
    if 0 < size < len(_POWERS):
        # The loop below as one dot product: several times as fast for mangled names.
        dot: int = sum(map(mul, name, _POWERS[size - 1 :: -1]))
        return (SEED * _POWERS[size] + dot) & 0xFFFFFFFF
    value = SEED
    for byte in name:
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def sysv_hash(name: bytes) -> int:
    """The hash of ``DT_HASH``."""
    value = 0
    for byte in name:
        value = ((value << 4) + byte) & 0xFFFFFFFF
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high
    return value


class GnuHashTable:
    """A ``DT_GNU_HASH`` table of an open image. Reads only what it is asked about."""

    def __init__(self, image: ElfImage, offset: int) -> None:
        self._image = image
        order = image.layout.order
        self._word = Struct(order + "I")
        header: tuple[int, int, int, int] = unpack(order + "4I", image.read(offset, 16))
        self._buckets, self.first, self._filter_words, self._shift = header
        self._filter_at = offset + 16
        self._buckets_at = self._filter_at + self._filter_words * image.layout.word.size
        self._chains_at = self._buckets_at + 4 * self._buckets

    @property
    def occupied(self) -> bool:
        """Whether it holds any symbol."""
        return any(self._image.words(self._buckets_at, self._buckets))

    def end(self) -> int:
        """The number of symbols: one more than the last in the highest bucket's chain."""
        index = max(self._image.words(self._buckets_at, self._buckets), default=0)
        if index < self.first:
            raise self._image.fail("a bucket of the ELF file's hash table points before its symbols")
        for value in self._chain(index):
            index += 1
            if value & 1:
                break
        return index

    def candidates(self, name: bytes) -> Iterator[int]:
        """The indexes of symbols with the hash of ``name``."""
        value = gnu_hash(name)
        if not self._buckets or not self._may_hold(value):
            return
        (index,) = self._word.unpack(self._image.read(self._buckets_at + 4 * (value % self._buckets), 4))
        if index < self.first or not index:
            return
        for position, word in enumerate(self._chain(index), index):
            if word | 1 == value | 1:
                yield position
            if word & 1:
                return

    def _may_hold(self, value: int) -> bool:
        word = self._image.layout.word
        if not self._filter_words:
            return True
        bits = word.size * 8
        at = self._filter_at + (value // bits) % self._filter_words * word.size
        filled: int = word.unpack(self._image.read(at, word.size))[0]
        return bool(filled >> (value % bits) & filled >> ((value >> self._shift) % bits) & 1)

    def _chain(self, index: int) -> Iterator[int]:
        """The hash words from symbol ``index`` on, to the end of the file."""
        at = self._chains_at + 4 * (index - self.first)
        for start in range(at, at + 4 * MAX_CHAIN, BLOCK):
            size = min(BLOCK, self._image.size - start)
            for (word,) in self._word.iter_unpack(self._image.read(start, size - size % 4)):
                yield word
            if size < BLOCK:
                break
        raise self._image.fail("a chain of the ELF file's hash table has no end")
