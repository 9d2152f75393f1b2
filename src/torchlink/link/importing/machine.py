"""The state of one run on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from torchlink.link.importing.failures import Failure
from torchlink.link.importing.finder import Finder
from torchlink.link.importing.values import Module, Scope, Value
from torchlink.link.owners import Owners
from torchlink.model.environment import Environment
from torchlink.model.native import NativeLoader
from torchlink.model.reach import LibraryReach
from torchlink.model.reference import Broken, Undecided
from torchlink.model.source import Sources

MAX_STEPS = 400_000_000
MAX_CALL_STEPS = 6_000
"""Statements and calls that one call from a module's body may take, imports in it not counted."""
MAX_CALL_DEPTH = 24
MAX_IMPORT_DEPTH = 400


@dataclass(slots=True)
class Running:
    """One module whose body is being run, or one call from the project's own code."""

    module: Module
    line: int = 0
    consulted: list[str] = field(default_factory=list)
    """Distributions whose version the current top-level statement has looked at."""
    guards: list[tuple[str, ...]] = field(default_factory=list)
    """Names in the ``except`` clauses around the current statement, outermost first."""
    perhaps: int = 0
    """How many undecided conditions surround it."""


@dataclass(slots=True)
class Machine:
    """Everything that a run knows and gathers."""

    environment: Environment
    sources: Sources
    finder: Finder
    natives: NativeLoader
    owners: Owners
    variables: Mapping[str, str]
    modules: dict[str, Module] = field(default_factory=dict)
    module_values: dict[str, Value] = field(default_factory=dict)
    """``sys.modules``, as far as a module replaced itself there."""
    stack: list[Running] = field(default_factory=list)
    perhaps: int = 0
    """Depth of undecided conditions; 0 means that what happens now happens for certain."""
    depth: int = 0
    steps_left: int = MAX_CALL_STEPS
    failures: list[Failure] = field(default_factory=list)
    """Uncaught failures of entry points."""
    lost: list[Failure] = field(default_factory=list)
    """Failures that the code around them takes, and goes on with less."""
    late: list[Failure] = field(default_factory=list)
    """Failures on a path that is not certain."""
    warnings: list[Broken] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    libraries: dict[str, LibraryReach] = field(default_factory=dict)
    dead_operators: dict[str, Failure] = field(default_factory=dict)
    """Operator namespaces whose library did not load."""
    consulted_variables: set[str] = field(default_factory=set)
    references: int = 0
    scope: Scope | None = None

    @property
    def running(self) -> Running:
        return self.stack[-1]

    @property
    def certain(self) -> bool:
        return self.perhaps == 0

    def consult(self, distribution: str) -> None:
        """Note that the running statement looked at the version or presence of a distribution."""
        if self.stack and distribution not in self.running.consulted:
            self.running.consulted.append(distribution)

    def chain(self, line: int = 0) -> tuple[str, ...]:
        """How the running module is reached, ending at the current line."""
        if not self.stack:
            return ()
        running = self.running
        return (*running.module.chain, self.owners.place(running.module.path or running.module.name, line or running.line))

    def guarded_against(self, names: Iterable[str]) -> bool:
        """Whether an ``except`` clause around the current statement, in any module that is being imported, names one."""
        wanted = set(names)
        return any(wanted.intersection(guard) for running in self.stack for guard in running.guards)

    def undecide(self, item: Undecided) -> None:
        if len(self.undecided) < 10_000:
            self.undecided.append(item)


def path_entries(environment: Environment) -> Sequence[str]:
    """The folders of the search path, for ``sys.path``."""
    return [entry.path for entry in environment.search_path]
