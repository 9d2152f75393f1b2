"""A Python environment as it lies on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """What an interpreter says of itself under ``-I -S``, or what its folder shows when it cannot run."""

    executable: str
    version: str
    """Full version, ``3.11.7``."""
    implementation: str
    """``cpython``, ``pypy``."""
    markers: Mapping[str, str]
    """The environment of PEP 508 markers (without ``extra``)."""
    tags: tuple[str, ...]
    """Supported wheel tags, best first, as ``cp311-cp311-manylinux_2_17_x86_64``."""
    extension_suffixes: tuple[str, ...]
    """``.cpython-311-x86_64-linux-gnu.so``, ``.abi3.so``, ``.so``."""
    builtin_modules: frozenset[str]
    stdlib: tuple[str, ...]
    """Folders of the standard library, ``lib-dynload`` included."""
    platform: str
    """As in wheel tags: ``linux_x86_64``, ``win_amd64``, ``macosx_11_0_arm64``."""
    libc: str
    """``glibc 2.36``, or empty where it is not known."""
    executed: bool
    """False when the interpreter could not run and the folder was read by its layout."""
    note: str = ""
    """Why it could not run."""

    @property
    def version_info(self) -> tuple[int, int]:
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)


class DistributionKind(Enum):
    """Where a distribution's metadata was found."""

    DIST_INFO = "dist-info"
    EGG_INFO = "egg-info"
    EGG = "egg"
    CONDA = "conda-meta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One installed distribution."""

    name: str
    """PEP 503-normalised."""
    version: str
    """As in the metadata, local version included (``2.1.2+cu121``)."""
    kind: DistributionKind
    metadata_path: str
    """The ``.dist-info`` folder, ``.egg-info`` folder or file, or ``conda-meta`` JSON file."""
    root: str
    """The folder on the search path that it is installed in."""
    requires: tuple[str, ...] = ()
    """``Requires-Dist`` lines, verbatim."""
    requires_python: str = ""
    extras: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """``Tag`` lines of the ``WHEEL`` file."""
    installer: str = ""
    files: tuple[str, ...] = ()
    """Absolute paths of the files of its RECORD that exist, in RECORD's order."""
    top_level: tuple[str, ...] = ()
    """Importable top-level names."""
    direct_url: str = ""
    editable: bool = False
    problems: tuple[str, ...] = ()
    """What could not be read, one line each."""

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def public_version(self) -> str:
        return self.version.partition("+")[0]

    @property
    def build(self) -> str:
        """The local version with its plus sign: ``+cu121``; empty without one."""
        _, plus, local = self.version.partition("+")
        return plus + local


class PathOrigin(Enum):
    """Why a folder is on ``sys.path``."""

    SCRIPT = "script"
    PYTHONPATH = "PYTHONPATH"
    STDLIB = "stdlib"
    SITE = "site-packages"
    USER_SITE = "user site"
    PTH = "pth"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathEntry:
    """One entry of ``sys.path`` as the user's run would have it."""

    path: str
    origin: PathOrigin


@dataclass(frozen=True, slots=True, kw_only=True)
class EditableFinder:
    """What an editable install's finder module maps: top-level names to source paths."""

    path: str
    """The finder's own file."""
    mapping: tuple[tuple[str, str], ...]
    """Module name to its package folder or file. A dotted name comes before what lies in its parent's folder; the
    place is empty where only a build at import shows it."""
    namespaces: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Namespace package name to its portions' folders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """One top-level module that lies in several places on the search path."""

    name: str
    paths: tuple[str, ...]
    """In search order: Python takes the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment: its interpreter, what is on its path, and what is installed."""

    prefix: str
    interpreter: Interpreter
    search_path: tuple[PathEntry, ...]
    """In the order in which Python searches it (the project's own folder is not part of it)."""
    distributions: tuple[Distribution, ...]
    """In search-path order. Two installs of one name are both here; the first one wins at run time."""
    finders: tuple[EditableFinder, ...] = ()
    copies: tuple[Copies, ...] = ()
    unowned: tuple[str, ...] = ()
    """Packages and modules in site-packages that no distribution's metadata knows: absolute paths."""
    problems: tuple[str, ...] = ()

    def distribution(self, name: str) -> Distribution | None:
        """The distribution that Python would find under this PEP 503 name."""
        for distribution in self.distributions:
            if distribution.name == name:
                return distribution
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The user's own source: what is asked about."""

    root: Path
    sources: tuple[Path, ...]
    """Python files and notebooks, sorted."""
    checkpoints: tuple[Path, ...] = ()
    """Files that are named like checkpoints, and folders that hold a model, sorted."""
    pinning: tuple[Path, ...] = ()
    """Files that may say which versions are wanted, sorted."""
