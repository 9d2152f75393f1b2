"""What a native library provides and needs (ELF; PE and Mach-O speak the same words)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from torchlink.model.reference import Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionNeed:
    """A symbol version that must exist in a library: ``libc.so.6`` must have ``GLIBC_2.34``."""

    library: str
    version: str
    weak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeLibrary:
    """The dynamic section of one shared library."""

    path: str
    soname: str
    machine: str
    """``x86_64``, ``aarch64``; as in platform tags."""
    needed: tuple[str, ...]
    """DT_NEEDED, in order."""
    rpath: tuple[str, ...]
    """DT_RPATH entries, ``$ORIGIN`` unexpanded; empty where DT_RUNPATH is present."""
    runpath: tuple[str, ...]
    version_needs: tuple[VersionNeed, ...]
    undefined: tuple[str, ...]
    """Strong undefined dynamic symbols, mangled; symbols bound to a version that ``version_needs`` covers are left out."""
    version_definitions: tuple[str, ...] = ()
    """Symbol versions that it defines; empty where its symbols carry none."""


class NumpyAbi(Enum):
    """The NumPy C-API generation that an extension was compiled for."""

    NONE = "none"
    """It does not use NumPy's C API."""
    NUMPY_1 = "numpy-1"
    """It knows only ``numpy.core._multiarray_umath``: built with NumPy 1 headers."""
    NUMPY_2 = "numpy-2"
    """It knows ``numpy._core._multiarray_umath``: built with NumPy 2 headers, works on 1.x too."""
    UNKNOWN = "unknown"


class LoadOutcome(Enum):
    """What the dynamic linker and the module's own initialisation would do."""

    LOADS = "loads"
    WARNS = "warns"
    """It loads and loses something (torch without its NumPy bridge)."""
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The linker's word on loading one native library in this environment."""

    outcome: LoadOutcome
    exception: str = ""
    """The Python exception that a failing load raises: ``ImportError``, ``OSError``, ``ValueError``; ``crash`` where
    the process may die in it, which no ``except`` catches."""
    reason: str = ""
    broken: tuple[Broken, ...] = ()
    """The references that do not resolve in this library or in one that it needs. Their severity and chain are
    those of a library that is not reached; the linker of imports knows better."""


class NativeLoader(Protocol):
    """Says what loading a library would do. The import linker asks it for compiled modules."""

    def load(self, path: str) -> Load:
        """Judge the library at an absolute path. Never raises: what cannot be read is ``UNKNOWN``."""
        ...
