"""The facts of one native file: its dynamic section, and what its constant data says of NumPy, torch and CUDA.

Constant data is searched only in files whose undefined symbols show that it can say something: an extension gets
NumPy's C API through a capsule, and registers operators through ``torch::Library``. So a gigabyte of kernels is never
searched.

What the strings mean, from NumPy's ``__multiarray_api.h`` (``_import_array``), its ``__init__.pxd``, pybind11's
``numpy.h`` and torch's ``tensor_numpy.cpp``, each compared with what happens when extensions of both generations are
loaded:

- ``numpy._core._multiarray_umath``: the headers of NumPy 2, which try both names; only
  ``numpy.core._multiarray_umath``: NumPy 1.
- ``(NumPy 1.23)`` in the message about the C-API version: the oldest NumPy that is enough.
- ``numpy.core.multiarray failed to import``: the extension calls the ``import_array()`` macro or Cython's function of
  that name.
"""

from __future__ import annotations

import re

from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFacts, NativeLibrary, NumpyAbi, NumpyFailure
from torchlink.read.elf import DynamicSection, library_of
from torchlink.read.elf_image import PF_W, ElfImage, Storage

MAX_DATA = 64 * 1024 * 1024
MAX_FALLBACK = 32 * 1024 * 1024
"""How much is searched where section headers do not say where the constants are."""
MAX_OPERATORS = 4096
MAX_SCHEMA = 8192
FATBIN_HEAD = 1 << 20

_LEVEL = b"module was compiled against NumPy C-API version 0x%x (NumPy "
_CUDA = b"Cuda compilation tools, release "
_RELEASE = re.compile(rb"\d+\.\d+")
_OPERATOR = re.compile(rb"([A-Za-z_]\w*::[A-Za-z_]\w*)(?:\.\w+)?\(")
_ARROW = b") -> "


def read_native(path: str, storage: Storage | None = None) -> NativeFacts:
    """The facts of the ELF file at ``path``, or of the one whose bytes a ``storage`` holds.

    Raises:
        UnreadableError: it is no ELF file, is truncated, or points outside itself.
    """
    with ElfImage(path, storage) as image:
        library = library_of(image, DynamicSection(image))
        numpy = "PyCapsule_GetPointer" in library.undefined
        torch = _registers_operators(library)
        data = _constants(image) if numpy or torch else b""
        abi, failure = _numpy(data) if numpy else (NumpyAbi.NONE, NumpyFailure.NONE)
        return NativeFacts(
            library=library,
            numpy=abi,
            numpy_level=_release_after(_LEVEL, data) if abi is NumpyAbi.NUMPY_2 else "",
            numpy_failure=failure,
            operators=_operators(data) if torch else (),
            cuda=_cuda(image, library),
        )


def _registers_operators(library: NativeLibrary) -> bool:
    """Whether an extension registers operators; torch's own libraries hold thousands that nobody asks for."""
    if library.soname.startswith(("libtorch", "libcaffe2")):
        return False
    return any("5torch7Library" in symbol for symbol in library.undefined)


def _constants(image: ElfImage) -> bytes:
    """The constant data of a file: ``.rodata``, or the read-only segments where no section has that name."""
    found = image.section(b".rodata")
    if found is not None:
        return image.read(found[0], min(found[1], MAX_DATA))
    rest, parts = MAX_FALLBACK, []
    for segment in image.segments:
        if not segment.flags & PF_W and rest > 0:
            size = max(0, min(segment.size, rest, image.size - segment.offset))
            parts.append(image.read(segment.offset, size))
            rest -= size
    return b"".join(parts)


def numpy_of(data: bytes) -> tuple[NumpyAbi, str]:
    """The NumPy generation and level that the bytes of an extension show, whatever their format."""
    generation, _ = _numpy(data)
    return generation, _release_after(_LEVEL, data) if generation is NumpyAbi.NUMPY_2 else ""


def _numpy(data: bytes) -> tuple[NumpyAbi, NumpyFailure]:
    """The NumPy generation that constant data shows, and how the extension answers to the other one."""
    if b"numpy._core" in data:
        # NumPy 2's headers, or pybind11 from 2.12 on, which asks for the name that the running NumPy has.
        return NumpyAbi.NUMPY_2, NumpyFailure.NONE
    cython = b"size changed, may indicate binary incompatibility" in data
    macro = b"numpy.core.multiarray failed to import" in data
    if b"numpy.core._multiarray_umath" not in data:
        # Cython's types without the C functions: a file of this kind is of its distribution's generation.
        return (NumpyAbi.UNKNOWN, NumpyFailure.VALUE_ERROR) if cython and macro else (NumpyAbi.NONE, NumpyFailure.NONE)
    if b"Numpy is not available" in data:
        return NumpyAbi.NUMPY_1, NumpyFailure.WARNING
    if cython:
        return NumpyAbi.NUMPY_1, NumpyFailure.VALUE_ERROR
    if macro and b"pybind11" not in data:
        return NumpyAbi.NUMPY_1, NumpyFailure.IMPORT_ERROR
    return NumpyAbi.NUMPY_1, NumpyFailure.UNKNOWN


def _operators(data: bytes) -> tuple[str, ...]:
    """The operators whose schemas stand in constant data, each a string of its own."""
    names: dict[str, None] = {}
    arrow = data.find(_ARROW)
    while arrow >= 0 and len(names) < MAX_OPERATORS:
        start = data.rfind(b"\0", max(0, arrow - MAX_SCHEMA), arrow) + 1
        if match := _OPERATOR.match(data, start, arrow):
            names[match[1].decode()] = None
        arrow = data.find(_ARROW, arrow + 1)
    return tuple(names)


def _cuda(image: ElfImage, library: NativeLibrary) -> str:
    """The release that the CUDA compiler left in device code that is not compressed (the default until 12.8)."""
    if not any(name.startswith(("libtorch_cuda", "libc10_cuda")) for name in library.needed):
        return ""
    found = image.section(b".nv_fatbin")
    try:
        return _release_after(_CUDA, image.read(found[0], min(found[1], FATBIN_HEAD))) if found else ""
    except UnreadableError:  # of a library of gigabytes in a wheel, the kernels are not kept
        return ""


def _release_after(words: bytes, data: bytes) -> str:
    """The release number that follows the first occurrence of ``words``."""
    at = data.find(words)
    match = _RELEASE.match(data, at + len(words)) if at >= 0 else None
    return match[0].decode() if match else ""
