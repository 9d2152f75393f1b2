"""The state of one run on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torchlink.link.importing.failures import Failure, StepsExhausted
from torchlink.link.importing.finder import Finder
from torchlink.link.importing.values import Event, Instance, Module, Scope, Value, Variable
from torchlink.link.owners import Owners
from torchlink.model.environment import Environment
from torchlink.model.native import NativeLoader
from torchlink.model.reference import Undecided
from torchlink.model.source import Sources

if TYPE_CHECKING:
    from torchlink.link.importing.repeats import Repeats

MAX_CALL_STEPS = 4_000
"""Statements and calls that one call from a module's body may take, imports in it not counted."""
MAX_MODULE_STEPS = 60_000
"""Statements and calls that a module's body may take in all; after that its calls are unknown."""
MAX_CALL_DEPTH = 24
RAISED = "raise"
"""Beside the names of signals: how a block has perhaps ended."""
MAX_IMPORT_DEPTH = 400


@dataclass(slots=True)
class Running:
    """One module whose body is being run, or one call from the project's own code."""

    owner: Module
    """The module."""
    module: Module
    """The module of the function that is being called from it; the same where none is."""
    line: int = 0
    """The line of the owner's current statement."""
    consulted: list[str] = field(default_factory=list)
    """Distributions whose version the current top-level statement has looked at."""
    consulted_before: list[str] = field(default_factory=list)
    """Distributions whose version its earlier statements have looked at."""
    guards: list[tuple[str, ...]] = field(default_factory=list)
    """Names in the ``except`` clauses around the current statement, outermost first."""
    steps: int = 0
    raised_perhaps: bool = False
    """Whether something was raised under a condition that is not known, in the ``try`` or ``with`` that is running."""
    doubted: bool = False
    """Whether the ``try`` that is running has taken an item with an unknown key."""


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
    dead_libraries: dict[str, list[Failure]] = field(default_factory=dict)
    """Native libraries that did not load, by the top-level name of their package."""
    live_libraries: dict[str, list[str]] = field(default_factory=dict)
    """Native libraries that did, likewise."""
    popped: dict[str, Module] = field(default_factory=dict)
    """Modules that were taken out of ``sys.modules``."""
    stubs: dict[str, frozenset[str]] = field(default_factory=dict)
    """The names in the stub beside each native library that was asked for."""
    consulted_variables: set[str] = field(default_factory=set)
    path_opened_by: set[str] = field(default_factory=set)
    """Packages that put a folder on ``sys.path`` that cannot be told."""
    hooked: set[str] = field(default_factory=set)
    """Modules that add a finder to ``sys.meta_path``: what lies below them may be made at import."""
    defined_operators: set[str] = field(default_factory=set)
    """Operators that Python code defines itself, and namespaces in which it defines some that cannot be told."""
    entry: int = 0
    """The number of the script or package that is being run: each would be a process of its own."""
    references: int = 0
    by_text: int = 0
    """How often a name of a module or a class was set or asked for, but for the statements of its own body and plain
    attributes: by ``setattr``, ``getattr``, ``import_module``. Each time it may be another name."""
    repeats: dict[tuple[str, str, int], Repeats] = field(default_factory=dict)
    """Calls by the module that makes them, and the function's file and line."""
    changed: dict[object, Value] | None = None
    """What the call that is followed has changed, where that is noted, by its identity."""
    scope: Scope | None = None

    @property
    def running(self) -> Running:
        return self.stack[-1]

    @property
    def certain(self) -> bool:
        return self.perhaps == 0

    def step(self, line: int = 0) -> None:
        """Count a statement of the module's own, with its line, or one in a call.

        Raises StepsExhausted inside a call that has used up its budget.
        """
        running = self.stack[-1]
        running.steps += 1
        if not self.depth:
            running.line = line or running.line
        else:
            self.steps_left -= 1
            if self.steps_left < 0:
                raise StepsExhausted

    def spend(self, steps: int) -> None:
        """Count work that is done at once. Raises StepsExhausted as ``step``."""
        self.running.steps += steps
        if self.depth:
            self.steps_left -= steps
            if self.steps_left < 0:
                raise StepsExhausted

    def raise_perhaps(self, names: Iterable[str], scope: Scope | None) -> None:
        """Note an exception that is perhaps raised: where it is taken, the code up to there runs perhaps."""
        if self.expects((*names, "")):
            self.running.raised_perhaps = True
            if scope is not None:
                scope.perhaps_left |= {RAISED}

    @property
    def exhausted(self) -> bool:
        """Whether the running module has used up its budget."""
        return self.running.steps > MAX_MODULE_STEPS

    def change(self, value: Value) -> None:
        """Note that a container or an instance is changed."""
        if self.changed is not None and isinstance(value, (list, set, dict, Instance)):
            self.changed[id(value)] = value

    def rebind(self, variables: dict[str, Value], name: str) -> None:
        """Note that a variable is bound from inside of a function that is not its own."""
        if self.changed is not None:
            self.changed[id(variables), name] = Variable(variables, name)

    def consult(self, *distributions: str) -> None:
        """Note that the running statement looked at the version or presence of distributions."""
        if self.stack:
            consulted = self.running.consulted
            consulted.extend(name for name in distributions if name not in consulted)

    def chain(self, line: int = 0) -> tuple[str, ...]:
        """How the current place is reached: a place in each module that is being imported, outermost first."""
        places = [self.place(running.owner, running.line) for running in self.stack]
        if self.stack and line:
            places.append(self.place(self.running.module, line))
        return tuple(place for index, place in enumerate(places) if place and place not in places[:index])

    def place(self, module: Module, line: int) -> str:
        """``torch/__init__.py:12``."""
        return self.owners.place(module.path, line) if module.path else ""

    def record(self, event: Event) -> None:
        """Keep what the running module meets for certain."""
        if self.certain and self.stack and len(self.running.owner.events) < 5_000:
            self.running.owner.events.append(event)

    def guarded_against(self, names: Iterable[str]) -> bool:
        """Whether an ``except`` clause around the current statement names one, in any module that is being imported."""
        wanted = set(names)
        return any(wanted.intersection(guard) for running in self.stack for guard in running.guards)

    def expects(self, names: Iterable[str]) -> bool:
        """Whether the running module itself waits for one of these exceptions by name."""
        wanted = set(names)
        return any(wanted.intersection(guard) for guard in self.running.guards)

    def undecide(self, item: Undecided) -> None:
        """Keep something that could not be decided."""
        self.record(Event(self.running.line, item.artifact, undecided=item))
