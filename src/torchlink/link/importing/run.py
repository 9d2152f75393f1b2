"""Where a run begins: the project's files, or every installed package; and what it amounts to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from torchlink.link.importing import calls, modules
from torchlink.link.importing.failures import Cause, Failure, Raised
from torchlink.link.importing.finder import Finder
from torchlink.link.importing.machine import Machine, Running
from torchlink.link.importing.values import UNKNOWN, Class, Function, Module, State
from torchlink.link.owners import Owners
from torchlink.model.environment import Environment, Project
from torchlink.model.native import NativeLoader
from torchlink.model.reach import Reach
from torchlink.model.reference import Broken, Kind, Links, Severity
from torchlink.model.source import Sources


def link_imports(
    environment: Environment,
    sources: Sources,
    natives: NativeLoader,
    *,
    project: Project | None = None,
    variables: Mapping[str, str],
) -> tuple[Links, Reach, frozenset[str]]:
    """Run on paper what the target imports.

    The target is the project's source; without one, every top-level package that is installed. Returns the broken
    references with their severity, what is reached, and the environment variables that were consulted.
    """
    root = "" if project is None else str(project.root)
    machine = Machine(
        environment=environment,
        sources=sources,
        finder=Finder(environment, sources, first=_script_folders(project)),
        natives=natives,
        owners=Owners(environment, root),
        variables=variables,
    )
    machine.modules["__main__"] = Module(name="__main__", path="", opaque=True)
    if project is None:
        _run_packages(machine)
    else:
        _run_project(machine, project)
    return _links(machine), _reach(machine), frozenset(machine.consulted_variables)


def _script_folders(project: Project | None) -> list[str]:
    if project is None:
        return []
    return [str(project.root)]


def _run_packages(machine: Machine) -> None:
    """Import every top-level name of every distribution, as ``python -c "import name"`` would."""
    for distribution in machine.environment.distributions:
        for name in distribution.top_level:
            if name.startswith("_") or name in machine.modules:
                continue
            entry = Module(name="__main__", path="", stdlib=False)
            _enter(machine, entry, name)


def _enter(machine: Machine, entry: Module, name: str) -> None:
    machine.stack.append(Running(module=entry))
    try:
        modules.import_module(machine, name)
    except Raised as raised:
        _fail(machine, raised)
    finally:
        machine.stack.pop()


def _run_project(machine: Machine, project: Project) -> None:
    for path in project.sources:
        name = _module_name(project, str(path))
        if name in machine.modules:
            continue
        module = Module(name=name, path=str(path))
        machine.modules[name] = module
        try:
            modules.run_source(machine, module)
        except Raised as raised:
            _fail(machine, raised)
            continue
        module.state = State.DONE
        _run_functions(machine, module)


def _module_name(project: Project, path: str) -> str:
    relative = path[len(str(project.root)) + 1 :].removesuffix(".py")
    return relative.replace("/", ".").removesuffix(".__init__")


def _run_functions(machine: Machine, module: Module) -> None:
    """The project's own functions count as called, with unknown arguments."""
    for function in _functions(module):
        machine.stack.append(Running(module=module, line=function.first_line))
        given: list[object] = [UNKNOWN] * len(function.parameters[0])
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
    failure = raised.failure
    if failure is not None:
        machine.failures.append(failure)


def _links(machine: Machine) -> Links:
    broken = list(machine.warnings)
    for failure in machine.failures:
        broken.extend(_judged(failure, Severity.BREAK, failure.chain))
    for failure in machine.lost:
        if failure.cause in (Cause.NATIVE, Cause.GATE):
            broken.extend(_judged(failure, Severity.RISK, failure.chain))
    return Links(
        broken=tuple(broken),
        undecided=tuple(machine.undecided),
        references=machine.references,
    )


def _judged(failure: Failure, severity: Severity, chain: tuple[str, ...]) -> list[Broken]:
    symptom = failure.raised[-1] if failure.raised else ""
    return [
        replace(broken, severity=severity, chain=chain, symptom=symptom or broken.symptom)
        for broken in failure.broken
        if broken.kind is not Kind.REQUIRES
    ]


def _reach(machine: Machine) -> Reach:
    return Reach(
        modules={name: module.chain for name, module in machine.modules.items() if not module.stdlib},
        libraries=dict(machine.libraries),
    )
