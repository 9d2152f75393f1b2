"""References between the parts of an environment, and those that do not resolve."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """Every kind of reference that torchlink resolves. The value is the stable code of a finding."""

    REQUIRES = "requires"
    IMPORT = "import"
    GATE = "gate"
    SYMBOL = "symbol"
    LIBRARY = "library"
    NUMPY_ABI = "numpy-abi"
    PLATFORM = "platform"
    KERNEL = "kernel"
    BEHAVIOUR = "behaviour"
    GLOBAL = "global"
    PIN = "pin"
    UNSAFE = "unsafe"
    CORRUPT = "corrupt"


class Severity(Enum):
    """How bad a finding is; see docs/architecture.md for the exact meaning of each."""

    BREAK = "break"
    RISK = "risk"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return ("break", "risk", "note").index(self.value)


class PartyType(Enum):
    """What stands at one end of a reference."""

    PACKAGE = "package"
    PROJECT = "project"
    FILE = "file"
    CHECKPOINT = "checkpoint"
    GPU = "gpu"
    DRIVER = "driver"
    INDEX = "index"
    PYTHON = "python"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One end of a reference: who needs, or who should provide."""

    type: PartyType
    name: str
    """PEP 503-normalised for packages."""
    version: str = ""
    """Public version, without the build."""
    build: str = ""
    """Local version with its plus sign, ``+cu121``."""
    path: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}{self.build}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One piece of evidence: where it is to be seen, and what is seen there."""

    artifact: str
    """A path relative to the environment or project, with ``:line`` for source."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One reference that does not resolve. Thousands of these become a few findings in ``link/cause.py``."""

    kind: Kind
    severity: Severity
    needer: Party
    provider: Party
    target: str
    """What is needed, in one word: a symbol, ``module.name``, a requirement, a soname."""
    cause: str
    """One sentence: why it does not resolve."""
    symptom: str = ""
    """The error or warning as the user sees it, or would see it."""
    evidence: tuple[Evidence, ...] = ()
    culprits: tuple[str, ...] = ()
    """Most likely first; filled from needer and provider where empty."""
    chain: tuple[str, ...] = ()
    """How it is reached: ``train.py:3``, ``diffusers``, ``diffusers/utils/hub.py:28``; empty where it is not."""
    affects: tuple[str, ...] = ()
    """Packages that fail because this one does."""
    rule: str = ""
    """The code of the behaviour rule that it breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A reference that could not be decided, and why. Counted, never taken for sound."""

    kind: Kind
    artifact: str
    reason: str
    reached: bool
    """Whether it lies on a path that the target reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What one linker returns."""

    broken: tuple[Broken, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    references: int = 0
    """How many references were looked at."""
