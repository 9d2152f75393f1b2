"""The names that a native library's own tables hold: C strings in its read-only data."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

from torchlink.model.errors import UnreadableError
from torchlink.model.source import Presence
from torchlink.read.bounded import read_head
from torchlink.read.elf_image import ElfImage

_CYTHON = re.compile(rb"_cython_(\d{1,3})_(\d{1,3})")
"""The module in which Cython's runtime shares its types, named after the release: ``_cython_3_0_10``."""
_NO_TEXT = re.compile(rb"[^\x20-\x7e]+")
_LETTER = re.compile(rb"[A-Za-z_]")
MAX_BYTES = 256 * 2**20
MAX_NAME = 200
CFFI_NAMES = frozenset({b"ffi", b"lib"})
"""What ``_cffi_backend`` binds in every module that cffi compiled: the names stand in no string of the module's own."""
MAX_INDEXED = 8 * 2**20
"""More read-only data than this is searched anew for each name; less is split into its strings once."""


class NativeStrings:
    """The strings of one library; read when they are first asked for.

    Tables of methods, types and constants point to names in ``.rodata``; a file without section names is read whole.
    """

    def __init__(self, path: str, text: Callable[[], bytes] | None = None) -> None:
        """Take a file on disk, or a function that gives what `text_of` kept of one."""
        self._path = path
        self._text = text

    def presence(self, name: str) -> Presence:
        """Whether the library holds ``name``; what cannot be read may hold it."""
        wanted = name.encode("utf-8", "surrogatepass")
        if self._is_whole(wanted) or (wanted in CFFI_NAMES and self._is_whole(b"_cffi_backend")):
            return Presence.WHOLE
        if not self._data or self._hides_names or wanted + b"\0" in self._data or not self._holds(name):
            return Presence.PART
        return Presence.PART if self._is_rust and wanted in self._data else Presence.ABSENT

    def _holds(self, name: str) -> bool:
        """Whether such a name would be in the data: `text_of` keeps ASCII alone."""
        return self._text is None or name.isascii()

    def _is_whole(self, name: bytes) -> bool:
        if len(self._data) <= MAX_INDEXED:
            return name in self._whole
        return any(self._data.find(before + name + b"\0") >= 0 for before in (b"\0", b"."))

    @cached_property
    def _data(self) -> bytes:
        if self._text is not None:
            return self._text()
        try:
            with ElfImage(self._path) as image:
                found = image.section(b".rodata")
                if found is not None and found[1] <= MAX_BYTES:
                    return image.read(*found)
        except UnreadableError:
            pass
        try:
            return read_head(self._path, MAX_BYTES)
        except UnreadableError:
            return b""

    @cached_property
    def _whole(self) -> frozenset[bytes]:
        """Every string by itself and by what follows its last dot (``torch._C._fft``)."""
        strings = [text for text in self._data.split(b"\0") if len(text) <= MAX_NAME]
        return frozenset((*strings, *(text.rpartition(b".")[2] for text in strings if b"." in text)))

    @cached_property
    def _is_rust(self) -> bool:
        """Whether strings may lie end to end, without null bytes between them."""
        return any(mark in self._data for mark in (b"/rustc/", b"rust_panic", b"RUST_BACKTRACE", b".rs"))

    @cached_property
    def _hides_names(self) -> bool:
        """Whether names may stand elsewhere: Cython from 3.1 on compresses its own, mypyc's modules share a library."""
        compiler = _CYTHON.search(self._data)
        if compiler is not None:
            return (int(compiler[1]), int(compiler[2])) >= (3, 1)
        return any(mark in self._data for mark in (b"__pyx", b"cython_runtime", b"__mypyc."))


def text_of(image: ElfImage) -> bytes:
    """What of a library's strings is worth keeping: each once, without what no name can be. Empty where unknown."""
    found = image.section(b".rodata") or (0, image.size)
    if found[1] > MAX_BYTES:
        return b""
    strings = (_NO_TEXT.sub(b"\1", string) for string in image.read(*found).split(b"\0"))
    return b"\0" + b"\0".join(dict.fromkeys(string for string in strings if _LETTER.search(string))) + b"\0"
