"""What the files of a project say about the versions that they want."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """What a pin does."""

    REQUIREMENT = "requirement"
    CONSTRAINT = "constraint"
    """It bounds what is installed and installs nothing (``-c``, ``constraint-dependencies``)."""
    OVERRIDE = "override"
    """It replaces what other requirements ask for (``override-dependencies``)."""
    LOCK = "lock"
    """A tool wrote it; only that tool changes it."""
    VARIABLE = "variable"
    """``TORCH_VERSION=2.3.1``, which no command of the same file uses."""
    MENTION = "mention"
    """A document speaks of it (Markdown); nothing installs from there."""


class FileKind(Enum):
    """What a file is for; it says how much two files must agree."""

    MANIFEST = "manifest"
    LOCK = "lock"
    SCRIPT = "script"
    SOURCE = "source"
    CI = "ci"
    DOCUMENT = "document"


class Notation(Enum):
    """The language in which a version range is written."""

    PEP440 = "pep440"
    POETRY = "poetry"
    """Carets and tildes, and a bare version that is exact."""
    CONDA = "conda"
    EXACT = "exact"
    """A bare version: in a lock file or a variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands. Lines and columns count from 1, offsets from 0; all count characters, not bytes."""

    file: str
    """Relative to the project, with forward slashes."""
    line: int
    column: int
    start: int
    end: int

    @property
    def label(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One comparison of a range, with the place of its version (not of its operator)."""

    operator: str
    """``==``, ``>=``, ``^``; empty for a bare version."""
    version: str
    places: tuple[Place, ...] = ()
    """One where the version stands in one; two where a variable holds only its public part, and the local part behind
    the ``+`` stands elsewhere; none where it cannot be rewritten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One place that says which versions of one package are wanted."""

    name: str
    """PEP 503-normalised; the name of the ecosystem that ``notation`` belongs to."""
    wanted: str
    """The range as it is written (``^2.3``); empty where any version will do."""
    specifier: str | None
    """The same range as PEP 440 writes it; ``None`` where PEP 440 cannot say it (``1.2|1.4``)."""
    notation: Notation
    role: Role
    place: Place
    """The whole requirement."""
    clauses: tuple[Clause, ...] = ()
    extras: tuple[str, ...] = ()
    context: str = ""
    """What brings it in: ``extra rocm``, ``group dev``, ``if [ "$GPU" = amd ]``; empty where it always holds."""
    marker: str = ""
    url: str = ""
    """A direct reference (``git+https://...``), in place of a range."""
    hashed: bool = False
    """Whether hashes stand beside it: another version needs other hashes."""
    note: str = ""
    """What its reader must know: an unquoted ``>`` that the shell takes for a redirection."""


class Tool(Enum):
    """Whose command a step is."""

    PIP = "pip"
    UV = "uv"
    """``uv pip``: pip's words, uv's choices."""
    CONDA = "conda"
    PROJECT = "project"
    """A tool that edits a manifest: ``uv add``, ``poetry add``, ``pdm add``, ``pixi add``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """Where packages are looked for."""

    index: str = ""
    """Replaces the default index; empty where it stays."""
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One install command."""

    tool: Tool
    place: Place
    command: str
    """As it would be run, on one line."""
    pins: tuple[Pin, ...]
    removes: bool = False
    """``pip uninstall``."""
    fetches: bool = False
    """``pip download``: nothing is installed."""
    indexes: Indexes = Indexes()
    upgrade: bool = False
    eager: bool = False
    """``--upgrade-strategy eager``: dependencies move too."""
    no_deps: bool = False
    prereleases: bool = False
    requirement_files: tuple[str, ...] = ()
    constraint_files: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """What is installed from elsewhere: paths, wheels, archives, git addresses without a name."""
    unread: tuple[str, ...] = ()
    """Words that only a run of the program would show."""
    condition: str = ""
    """The test that it stands under; empty where it always runs."""
    tolerated: bool = False
    """Whether what follows runs even where it fails (``|| true``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What could not be read, and why."""

    file: str
    line: int
    """0 for the whole file."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """Another file that one names: ``-r base.txt``."""

    path: str
    """Relative to the project."""
    constraint: bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexTag:
    """A compute platform in the address of one of PyTorch's own indexes: ``.../whl/cu121``."""

    tag: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PinFile:
    """What one file says."""

    file: str
    format: str
    """``requirements.txt``, ``pyproject.toml``, ``Dockerfile``; as in docs/pins.md."""
    kind: FileKind
    pins: tuple[Pin, ...] = ()
    """In the order of the file, those of ``steps`` among them."""
    steps: tuple[Step, ...] = ()
    indexes: Indexes = Indexes()
    """Those that the file sets for itself as a whole."""
    includes: tuple[Include, ...] = ()
    unread: tuple[Unread, ...] = ()
    index_tags: tuple[IndexTag, ...] = ()
    """Wherever in the file they stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinSurvey:
    """What all the files of a project say."""

    root: str
    files: tuple[PinFile, ...]
    unread: tuple[Unread, ...] = ()
    """Files that were not read at all."""

    @property
    def pins(self) -> tuple[Pin, ...]:
        return tuple(pin for file in self.files for pin in file.pins)
