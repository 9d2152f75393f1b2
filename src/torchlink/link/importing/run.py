"""Where a run begins: the project's files, or every installed package; and what it amounts to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeGuard

from torchlink.link.importing import calls, modules
from torchlink.link.importing.ahead import walk
from torchlink.link.importing.failures import Cause, Failure, Raised
from torchlink.link.importing.finder import Finder
from torchlink.link.importing.machine import Machine, Running
from torchlink.link.importing.values import UNKNOWN, Class, Function, Module, State, Value
from torchlink.link.owners import Owners
from torchlink.model.environment import Distribution, Environment, Project
from torchlink.model.native import NativeLoader
from torchlink.model.reach import LibraryReach, Reach
from torchlink.model.reference import Broken, Kind, Links, PartyType, Severity, Undecided
from torchlink.model.source import Block, ModuleSource, Sources

_NOT_PROGRAMS = frozenset({"tests", "test", "testing", "docs", "doc", "examples", "example", "benchmarks", "scripts"})


def link_imports(
    environment: Environment,
    sources: Sources,
    natives: NativeLoader,
    *,
    owners: Owners,
    project: Project | None = None,
    asked: Collection[str] = (),
    variables: Mapping[str, str],
) -> tuple[Links, Reach, frozenset[str]]:
    """Run on paper what the target imports.

    The target is the project's source; without any, the top-level packages of the distributions that are ``asked`` for
    by name, and of every one that is installed where none is. Returns the broken
    references with their severity, what is reached, and the environment variables that were consulted.
    """
    machine = Machine(
        environment=environment,
        sources=sources,
        finder=Finder(environment, sources, first=_script_folders(project)),
        natives=natives,
        owners=owners,
        variables=variables,
    )
    machine.modules["__main__"] = Module(name="__main__", path="", opaque=True)
    entries = _run_project(machine, project) if _has_source(project) else _run_packages(machine, asked)
    links, reach = _links(machine, _chains(machine, entries), entries)
    return links, reach, frozenset(machine.consulted_variables)


def _has_source(project: Project | None) -> TypeGuard[Project]:
    return project is not None and bool(project.sources)


def files_ahead(
    environment: Environment, sources: Sources, project: Project | None, asked: Collection[str] = ()
) -> Callable[[Callable[[str], ModuleSource]], Iterator[ModuleSource]]:
    """What ``link_imports`` will ask for, in about its order, given a function that parses a file."""
    finder = Finder(environment, sources, first=_script_folders(project))
    if _has_source(project):
        entries: list[Block] = [sources.module(str(path)).block for path in project.sources]
    else:
        names = (name for one in _entries(environment, asked) for name in one.top_level if _is_program(name))
        entries = [(("import", 0, ((name, None),)),) for name in names]
    return lambda parse: walk(finder, parse, entries)


def _script_folders(project: Project | None) -> list[str]:
    if project is None:
        return []
    source = project.root / "src"
    folders = [project.root, source] if any(source in path.parents for path in project.sources) else [project.root]
    return [str(folder) for folder in folders]


def _entries(environment: Environment, asked: Collection[str]) -> list[Distribution]:
    """The distributions that are imported by themselves."""
    return [one for one in environment.distributions if not asked or one.name in asked]


def _run_packages(machine: Machine, asked: Collection[str]) -> list[Module]:
    """Import every top-level name of these distributions, as ``python -c "import name"`` would."""
    entries: list[Module] = []
    for distribution in _entries(machine.environment, asked):
        for name in distribution.top_level:
            if not _is_program(name):
                continue
            entry = Module(name=f"import {name}", path="")
            entries.append(entry)
            machine.stack.append(Running(owner=entry, module=entry))
            machine.entry += 1
            try:
                modules.import_module(machine, name)
            except Raised as raised:
                _fail(machine, raised)
            finally:
                machine.stack.pop()
    return entries


def _is_program(name: str) -> bool:
    """Whether a top-level name is meant to be imported: not private, and not tests that were installed by mistake."""
    return name.isidentifier() and not name.startswith("_") and name not in _NOT_PROGRAMS


def _run_project(machine: Machine, project: Project) -> list[Module]:
    entries: list[Module] = []
    for folder in sorted({str(path.parent) for path in project.sources}):
        machine.finder.add_path(folder, first=False)
    for path in project.sources:
        name = module_name(project, str(path))
        module = machine.modules.get(name)
        machine.entry += 1
        if module is None:
            module = Module(name=name, path=str(path), entry=machine.entry)
            machine.modules[name] = module
            modules.set_own_names(module)
            try:
                modules.run_source(machine, module)
            except Raised as raised:
                _fail(machine, raised)
            module.state = State.DONE
        entries.append(module)
        _run_functions(machine, module)
    return entries


def module_name(project: Project, path: str) -> str:
    """The full name under which one of a project's files is imported."""
    folder = max((item for item in _script_folders(project) if path.startswith(item + "/")), key=len, default="")
    relative = path[len(folder) + 1 :].removesuffix(".py")
    return relative.replace("/", ".").removesuffix(".__init__")


def _run_functions(machine: Machine, module: Module) -> None:
    """The project's own functions count as called, with unknown arguments."""
    for function in _functions(module):
        machine.stack.append(Running(owner=module, module=module, line=function.first_line))
        given: list[Value] = [UNKNOWN] * len(function.parameters[0])
        try:
            calls.call(machine, function, given, {})
        except Raised as raised:
            _fail(machine, raised)
        finally:
            machine.stack.pop()


def _functions(module: Module) -> Iterable[Function]:
    for value in list(module.namespace.values()):
        if isinstance(value, Function) and value.module is module:
            yield value
        elif isinstance(value, Class) and value.module is module:
            for member in list(value.namespace.values()):
                if isinstance(member, Function) and member.module is module:
                    yield member


def _fail(machine: Machine, raised: Raised) -> None:
    if raised.failure is not None:
        machine.failures.append(raised.failure)


def _chains(machine: Machine, entries: Iterable[Module]) -> dict[str, tuple[str, ...]]:
    """Every module that is reached for certain, with the shortest chain of places that reaches it."""
    chains: dict[str, tuple[str, ...]] = {}
    pending: deque[tuple[Module, tuple[str, ...]]] = deque((entry, ()) for entry in entries)
    for entry in entries:
        chains[entry.name] = ()
    while pending:
        module, chain = pending.popleft()
        for name, line in module.imports.items():
            imported = machine.modules.get(name)
            if imported is None or name in chains:
                continue
            place = machine.place(module, line)
            chains[name] = (*chain, place) if place else chain
            pending.append((imported, chains[name]))
    return chains


def _links(machine: Machine, chains: Mapping[str, tuple[str, ...]], entries: Iterable[Module]) -> tuple[Links, Reach]:
    broken: list[Broken] = []
    undecided: list[Undecided] = []
    libraries: dict[str, LibraryReach] = {}
    for failure in machine.failures:
        broken.extend(_judged(failure, Severity.BREAK, failure.chain))
    known = {entry.name: entry for entry in entries}
    for name, chain in chains.items():
        module = known.get(name) or machine.modules[name]
        for event in module.events:
            reached = compact((*chain, event.place))
            if isinstance(event.lost, Failure) and event.lost.cause in (Cause.NATIVE, Cause.GATE):
                broken.extend(_judged(event.lost, _severity_of_loss(event.lost), reached))
            if event.warning is not None:
                broken.append(replace(event.warning, chain=reached))
            if event.undecided is not None:
                undecided.append(event.undecided)
            if event.library and (event.library not in libraries or libraries[event.library].guarded):
                libraries[event.library] = LibraryReach(path=event.library, chain=reached, guarded=event.guarded)
    links = Links(broken=tuple(broken), undecided=tuple(undecided), references=machine.references)
    shown = {name: compact(chain) for name, chain in chains.items() if name not in known or known[name].path}
    files = {name: machine.modules[name].path for name in chains if name in machine.modules}
    return links, Reach(modules=shown, libraries=libraries, files=files)


def _severity_of_loss(failure: Failure) -> Severity:
    """What a package goes on without. A library that the system lacks (FFmpeg, SoX) is its user's choice."""
    optional = all(one.kind is Kind.LIBRARY and one.provider.type is PartyType.SYSTEM for one in failure.broken)
    return Severity.NOTE if optional and failure.cause is Cause.NATIVE else Severity.RISK


def compact(chain: tuple[str, ...]) -> tuple[str, ...]:
    """A chain as it is told: the first place, the packages on the way, the last place."""
    if len(chain) <= 2:
        return chain
    middle: list[str] = []
    for place in chain[1:-1]:
        package = place.partition("/")[0].partition(":")[0].removesuffix(".py")
        if package not in middle and package != chain[0].partition("/")[0]:
            middle.append(package)
    return (chain[0], *middle, chain[-1])


def _judged(failure: Failure, severity: Severity, chain: tuple[str, ...]) -> list[Broken]:
    symptom = failure.raised[-1] if failure.raised else ""
    return [
        replace(broken, severity=severity, chain=compact(chain), symptom=symptom or broken.symptom)
        for broken in failure.broken
    ]
