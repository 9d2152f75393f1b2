"""Behaviour rules: what a version changed about a use that still resolves. ``rules/behaviour`` holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from torchlink.model.reference import Severity


class Is(Enum):
    """What an argument is tested for."""

    DEFAULT = "default"
    """It is left out, or ``None``."""
    GIVEN = "given"
    ONE_OF = "one-of"
    """It is one of ``values``."""
    NONE_OF = "none-of"
    """It is given, and none of ``values``."""
    OTHER_THAN = "other-than"
    """It is none of ``values``, given or not."""
    DERIVED = "derived"
    """It is a part of what ``source`` returned, where ``where`` holds of that call."""
    SAVED = "saved"
    """It is a part of a checkpoint under a key that the project saves as what one of ``values`` returns."""
    LACKS = "lacks"
    """It is a list with one of ``values``, and without one of ``wanted``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentTest:
    """A condition on an argument of a call."""

    name: str
    """The parameter, or several with ``|`` between them: one is enough."""
    test: Is
    position: int | None = None
    """Its place among the positional arguments, from 0."""
    values: tuple[str | bool | int | None, ...] = ()
    wanted: tuple[tuple[str, ...], ...] = ()
    """Of each group, one must be in the list."""
    source: str = ""
    where: tuple[ArgumentTest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The argument that names a checkpoint file, whose content decides whether the call fails."""

    name: str
    position: int
    unknown: Severity | None
    """How bad it is where the content cannot be known; ``None`` for no finding."""
    in_folder: str = ""
    """The file that fails, where the argument names its folder; empty where it names the file itself."""
    instead: tuple[str, ...] = ()
    """Files of the folder that are read in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unless:
    """What makes a rule hold its peace."""

    called: tuple[str, ...] = ()
    """Functions that the same project or package calls anywhere."""
    within: tuple[str, ...] = ()
    """Context managers around the use."""
    replaced: tuple[str, ...] = ()
    """Names that anything that is reached sets anew: ``torch.load = ...``."""
    environment: tuple[str, ...] = ()
    """Environment variables that are set to 1, y, yes or true."""


class Doubt(Enum):
    """What a use is whose arguments cannot be known."""

    NONE = "none"
    """Nothing is said."""
    UNDECIDED = "undecided"
    RISK = "risk"
    NOTE = "note"


class FixKind(Enum):
    """What a fix changes."""

    EDIT = "edit-source"
    PIN = "pin"
    ENVIRONMENT = "env"
    ALLOW = "allow-list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One way to mend it."""

    kind: FixKind
    text: str
    """What to do, in the imperative."""
    security: str = ""
    """What that means for security; empty where it means nothing."""
    requirement: str = ""
    """For a pin: ``torch<2.6``."""
    variable: str = ""
    """For an environment variable: ``NAME=VALUE``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """How ``fix --source`` rewrites a call. Names are replaced by what ``Rule.names`` says."""

    add: Mapping[str, str]
    """Keyword arguments to add, with their source."""
    rename: Mapping[str, str]
    """Keyword arguments to rename."""
    drop: tuple[str, ...]
    """Keyword arguments to take out."""
    call: Mapping[str, str]
    """What is called instead, by full name."""
    first: str
    """An argument to put before the others, with its source; empty for none."""
    allow_list: bool = False
    """Whether the checkpoint's content decides what is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Where the change is to be seen: in a file of a released wheel."""

    release: str
    """``torch 2.6.0``."""
    file: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCase:
    """Code that shows the change on real wheels."""

    code: str
    fails: tuple[str, ...]
    """Requirements of an environment in which it behaves as after the change."""
    works: tuple[str, ...]
    """Requirements of an environment in which it behaves as before; empty where there is none."""
    raises: str
    """What is printed after the change: part of the last line of the error, or of a warning."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Further files of the project, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One behaviour rule."""

    code: str
    package: str
    """Whose version decides: a PEP 503 name."""
    or_package: tuple[str, ...]
    """Other names under which the same is distributed: ``lightning`` for ``pytorch-lightning``."""
    before: str
    """Versions with the old behaviour, as a specifier; empty where there is none."""
    after: str
    """Versions with the new behaviour; empty for all."""
    where: Mapping[str, str]
    """Further packages, with the versions that the change needs."""
    missing: tuple[str, ...]
    """Packages that must not be there for the rule to apply."""
    relies_on: str
    """What the use relies on: ``torch.load reading any pickle``."""
    changes: str
    symptom: str
    raises: frozenset[str]
    """The exceptions that code around the use may catch."""
    severity: Severity
    """In the project's own code, where the use certainly behaves as after the change."""
    elsewhere: Severity
    """In an installed package that the project reaches."""
    doubt: Doubt
    """What it is where an argument cannot be known."""
    names: Mapping[str, str]
    """Full names that are used, with what replaces each; empty where nothing does."""
    calls: tuple[str, ...]
    methods: tuple[str, ...]
    """Methods by the full name of their class: ``accelerate.Accelerator.load_state``."""
    builds: tuple[str, ...]
    """Packages that are built from source when they are installed: what is matched are requirements, not source."""
    arguments: tuple[ArgumentTest, ...]
    content: Content | None
    unless: Unless
    fixes: tuple[Fix, ...]
    rewrite: Rewrite | None
    evidence: tuple[Seen, ...]
    case: TrialCase
    culprits: tuple[str, ...] = ()
    """Who would have to change, where it is not the package and the user of it."""
