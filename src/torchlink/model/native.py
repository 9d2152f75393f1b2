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
    format: str = "ELF"
    """Or ``PE``, ``Mach-O``: those are described, and not linked."""
    needed: tuple[str, ...]
    """DT_NEEDED, in order."""
    rpath: tuple[str, ...]
    """DT_RPATH entries, ``$ORIGIN`` unexpanded; empty where DT_RUNPATH is present."""
    runpath: tuple[str, ...]
    version_needs: tuple[VersionNeed, ...]
    undefined: tuple[str, ...]
    """Strong undefined dynamic symbols, mangled; those whose version ``version_needs`` covers are left out."""
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


class NumpyFailure(Enum):
    """How an extension built for NumPy 1 answers when the C API of NumPy 2 is refused to it."""

    NONE = "none"
    IMPORT_ERROR = "import-error"
    """``import_array()``: "numpy.core.multiarray failed to import"."""
    VALUE_ERROR = "value-error"
    """Cython compares the size of ``numpy.dtype`` first: "numpy.dtype size changed"."""
    WARNING = "warning"
    """It says so and goes on without NumPy, as torch does."""
    UNKNOWN = "unknown"
    """Its code decides, which cannot be seen from its data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeFacts:
    """What the bytes of one native library tell: a value, the same for everyone who reads the same file."""

    library: NativeLibrary
    numpy: NumpyAbi = NumpyAbi.NONE
    numpy_level: str = ""
    """The oldest NumPy whose C API is enough, ``1.23``; empty where the bytes do not say it."""
    numpy_failure: NumpyFailure = NumpyFailure.NONE
    operators: tuple[str, ...] = ()
    """Operators whose whole schema it carries, ``torchvision::nms``: what it registers with torch. Not complete: a
    schema may be written without its namespace."""
    cuda: str = ""
    """The CUDA release whose compiler made its device code, ``12.8``; empty where it has none or does not say."""


class NativeFiles(Protocol):
    """Gives the facts of native libraries, and the folders in which a dynamic linker looks for them."""

    def facts(self, path: str) -> NativeFacts:
        """The facts of a library.

        Raises:
            UnreadableError: it is no ELF file, or a broken one.
        """
        ...

    def exported(self, path: str, names: frozenset[str]) -> frozenset[str]:
        """Those of ``names`` that the library offers to others.

        Raises:
            UnreadableError: as `facts`.
        """
        ...

    def find(self, folder: str, name: str) -> str | None:
        """The path of a file in a folder, or ``None`` where there is no such file."""
        ...

    def real(self, path: str) -> str:
        """A path without symbolic links."""
        ...

    def system(self, soname: str) -> tuple[str, ...]:
        """Where the system's own loader finds a library by its cache and its default folders, best first."""
        ...

    def torch_record(self, folder: str) -> str:
        """The torch version that a package recorded beside its libraries when they were built; empty without one."""
        ...


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
