"""Extensions against the NumPy that is installed: the generation of its C API, and its feature level.

NumPy 2 refuses its C API to code compiled with the headers of NumPy 1 (their structures differ). The other way round is
supported: the headers of NumPy 2 make code that runs on every NumPy down to the level it was compiled for.
"""

from __future__ import annotations

from enum import Enum

from packaging.version import InvalidVersion, Version

from torchlink.model.native import NativeFacts, NumpyAbi


class NumpyFit(Enum):
    """How an extension and the installed NumPy go together."""

    FITS = "fits"
    TOO_OLD = "too-old"
    """The extension knows only NumPy 1."""
    LEVEL = "level"
    """The extension asks for a newer C API than NumPy has."""
    UNKNOWN = "unknown"


def numpy_fit(facts: NativeFacts, generation: NumpyAbi, numpy: str) -> NumpyFit:
    """Judge one extension.

    Args:
        facts: the extension's.
        generation: what it was built for, which may be known from its siblings.
        numpy: the installed version; empty where NumPy is not installed, which the linker of imports reports.
    """
    release = release_of(numpy)
    if facts.numpy is NumpyAbi.NONE or not release:
        return NumpyFit.FITS
    if generation is NumpyAbi.UNKNOWN:
        return NumpyFit.UNKNOWN if release >= (2,) else NumpyFit.FITS
    if generation is NumpyAbi.NUMPY_1:
        return NumpyFit.TOO_OLD if release >= (2,) else NumpyFit.FITS
    return NumpyFit.LEVEL if release[:2] < release_of(facts.numpy_level) else NumpyFit.FITS


def release_of(version: str) -> tuple[int, ...]:
    """``(1, 26, 4)``; empty for what is no version."""
    try:
        return Version(version).release
    except InvalidVersion:
        return ()
