"""Importing modules, and reading their names."""

from __future__ import annotations

from functools import lru_cache

from torchlink.link.importing import module_names, statements
from torchlink.link.importing.failures import Cause, Failure, Raised, builtin_exception, exception
from torchlink.link.importing.finder import Found, Location
from torchlink.link.importing.machine import MAX_IMPORT_DEPTH, Machine, Running
from torchlink.link.importing.names import bound_names
from torchlink.link.importing.values import UNKNOWN, Event, Foreign, Module, Scope, State, Value, is_text
from torchlink.model.native import LoadOutcome
from torchlink.model.reference import Broken, Evidence, Kind, Party, PartyType, Severity, Undecided

INTRINSIC_PACKAGES = frozenset({"packaging", "typing_extensions"})
"""Third-party packages whose functions ``intrinsics.py`` computes; their modules are listed, not run."""


def import_module(machine: Machine, name: str, line: int = 0) -> Value:
    """Import a module by its full name, parents first. Returns it, or what it put in its own place.

    Raises Raised where Python would.
    """
    parent: Module | None = None
    value: Value = UNKNOWN
    for full in _with_parents(name):
        known = machine.modules.get(full)
        if known is None:
            known = _load(machine, full, parent, line)
            if known is None:
                return UNKNOWN
        elif known.state is State.FAILED:
            raise _missing(machine, full, parent, line)
        elif machine.certain and machine.stack:
            machine.running.owner.imports.setdefault(full, machine.running.line)
        value = machine.module_values.get(full, known)
        parent = known
    return value


@lru_cache(maxsize=20_000)
def _with_parents(name: str) -> tuple[str, ...]:
    """``a``, ``a.b`` and ``a.b.c`` for the last of them."""
    parts = name.split(".")
    return tuple(".".join(parts[: index + 1]) for index in range(len(parts)))


def _load(machine: Machine, full: str, parent: Module | None, line: int) -> Module | None:
    last = full.rpartition(".")[2]
    machine.references += 1
    if parent is None:
        location = machine.finder.top_level(last)
        if last == "distutils" and location is not None and not location.stdlib:
            # It is setuptools' own, which looks for what it brings with it where setuptools puts that.
            import_module(machine, "setuptools", line)
    elif not parent.search:
        if is_hooked(machine, full):
            return None
        if parent.stdlib or parent.opaque or module_names.in_libraries(machine, parent, last):
            return None
        raise _missing(machine, full, parent, line)
    else:
        location = machine.finder.within(last, search_of(machine, parent))
    if location is None:
        if parent is not None and (parent.opaque or parent.stdlib):
            return None
        if is_hooked(machine, full) or (parent is None and _is_perhaps_there(machine, last, line)):
            return None
        raise _missing(machine, full, parent, line)
    module = Module(
        name=full,
        path=location.path,
        search=location.search,
        stdlib=location.stdlib or (parent is not None and parent.stdlib),
        entry=machine.entry if machine.certain else -1,
    )
    machine.modules[full] = module
    if machine.certain and machine.stack:
        machine.running.owner.imports.setdefault(full, machine.running.line)
    set_own_names(module)
    _run(machine, module, location)
    # A library may add names to the modules of its own package, and makes those that have no file.
    nested = location.found is Found.NAMESPACE and parent is not None
    module.opaque |= nested or full.partition(".")[0] in machine.popped
    if parent is not None:
        parent.namespace[last] = machine.module_values.get(full, module)
    return module


def _is_perhaps_there(machine: Machine, name: str, line: int) -> bool:
    """Whether a top-level module may lie in a folder that some code has perhaps put on ``sys.path``."""
    if machine.finder.is_perhaps_there(name):
        return True
    module = machine.running.module
    package = module.name.partition(".")[0]
    if package not in machine.path_opened_by:
        return False
    reason = f"{name} may lie in a folder that {package} puts on sys.path, which cannot be told"
    place = machine.owners.place(module.path, line or machine.running.line)
    machine.undecide(Undecided(kind=Kind.IMPORT, artifact=place, reason=reason, reached=True))
    return True


def is_hooked(machine: Machine, full: str) -> bool:
    """Whether a module's import may be answered by a finder that its package added to ``sys.meta_path``."""
    return any(full.startswith(f"{name}.") for name in machine.hooked)


def search_of(machine: Machine, module: Module) -> tuple[str, ...]:
    """The folders that hold a package's sub-modules, after what it did to its own ``__path__``."""
    path = module.namespace.get("__path__")
    if isinstance(path, list) and path and all(is_text(item) for item in path):
        return tuple(str(item) for item in path)
    return module.search


def _run(machine: Machine, module: Module, location: Location) -> None:
    if module.stdlib or module.name.partition(".")[0] in INTRINSIC_PACKAGES:
        _list_names(machine, module, location)
    elif location.found is Found.NATIVE:
        _load_library(machine, module)
    elif location.found is Found.UNREAD:
        _leave_undecided(machine, module, f"what is in {module.name} could not be read")
    elif location.found in (Found.SOURCE, Found.PACKAGE):
        if location.path.endswith(".py"):
            run_source(machine, module)
        else:
            _load_library(machine, module)
    module.state = State.DONE


def _list_names(machine: Machine, module: Module, location: Location) -> None:
    """The standard library is sound: its names are listed, its code is not followed."""
    if not location.path.endswith(".py"):
        module.opaque = True
        return
    source = machine.sources.module(location.path)
    names, opaque = bound_names(source)
    module.opaque = opaque
    module.namespace.update((name, Foreign(f"{module.name}.{name}")) for name in names)


def run_source(machine: Machine, module: Module) -> None:
    """Run the body of a source module."""
    if len(machine.stack) >= MAX_IMPORT_DEPTH:
        _leave_undecided(machine, module, "imports nest too deep")
        return
    source = machine.sources.module(module.path)
    if source.problem:
        _leave_undecided(machine, module, source.problem)
        return
    module.opaque = source.dynamic
    namespace = module.namespace
    set_own_names(module)
    running = Running(owner=module, module=module)
    machine.stack.append(running)
    depth, steps, perhaps, entry = machine.depth, machine.steps_left, machine.perhaps, machine.entry
    if perhaps:
        # What it loads is perhaps not there for others: a number that nobody else has.
        module.entry = machine.entry = -machine.references
    machine.depth = machine.perhaps = 0
    try:
        statements.run_module(machine, Scope(namespace, module), source.block)
    except RecursionError:
        # Nested deeper than any real source, by statements, calls and imports together: Python gives up long before.
        _leave_undecided(machine, module, "statements and imports nest too deep")
    except Raised as raised:
        module.state = State.FAILED
        raised.crossed.append(module.name)
        machine.modules.pop(module.name, None)
        raise
    finally:
        machine.stack.pop()
        machine.depth, machine.steps_left, machine.perhaps, machine.entry = depth, steps, perhaps, entry
    for name in source.late_names:
        namespace.setdefault(name, UNKNOWN)


def set_own_names(module: Module) -> None:
    """Bind what every module has: ``__name__``, ``__file__``, ``__package__``, and ``__path__`` for a package."""
    namespace = module.namespace
    namespace["__name__"] = module.name
    namespace["__package__"] = module.name if module.search else module.name.rpartition(".")[0]
    if module.path:
        namespace["__file__"] = module.path
    if module.search:
        namespace["__path__"] = list(module.search)


def import_hidden_library(machine: Machine, name: str) -> Value:
    """A package that took itself out of ``sys.modules`` imports the library of its own name from one of its folders.

    OpenCV's ``bootstrap`` does: its folders stand in a file that it executes.
    """
    package = machine.popped[name]
    folders = [*package.search, *(f"{root}/{one}" for root in package.search for one in machine.sources.folders(root))]
    for folder in folders:
        location = machine.finder.within(name, (folder,))
        if location is not None and location.found is Found.NATIVE:
            module = Module(name=name, path=location.path)
            set_own_names(module)
            _load_library(machine, module)
            module.state = State.DONE
            return module
    return UNKNOWN


def _leave_undecided(machine: Machine, module: Module, reason: str) -> None:
    """A module that cannot be followed may bind any name."""
    module.opaque = True
    place = machine.place(module, 0)
    item = Undecided(kind=Kind.IMPORT, artifact=place, reason=reason, reached=True)
    module.events.append(Event(0, place, undecided=item))


def _load_library(machine: Machine, module: Module) -> None:
    if module.path.endswith(".pyc"):
        module.opaque = True
        return
    module.libraries.append(module.path)
    load_library(machine, module.path)


def load_library(machine: Machine, path: str, line: int = 0, raises: str = "") -> None:
    """Load a native library as the dynamic linker would. Raises Raised where that fails.

    ``raises`` names the exception of the loading function (``OSError`` for ``ctypes.CDLL``); an extension module's
    own is in the linker's answer.
    """
    machine.references += 1
    load = machine.natives.load(path)
    guarded = machine.guarded_against(("Exception", "BaseException", "", load.exception, "ImportError", "OSError"))
    place = machine.place(machine.running.module, line or machine.running.line)
    machine.record(Event(machine.running.line, place, library=path, guarded=guarded))
    package = machine.owners.relative(path).partition("/")[0]
    if load.outcome is not LoadOutcome.FAILS:
        machine.live_libraries.setdefault(package, []).append(path)
        return
    cls = builtin_exception(raises or load.exception or "ImportError")
    if load.exception == "crash":
        cls = SystemExit
    running = machine.running
    failure = Failure(
        cause=Cause.NATIVE,
        module=running.module.name,
        path=path,
        line=line or running.line,
        chain=machine.chain(line),
        broken=load.broken,
        message=load.reason,
    )
    machine.dead_libraries.setdefault(package, []).append(failure)
    raise Raised(exception(cls, load.reason, failure))


def _missing(machine: Machine, full: str, parent: Module | None, line: int) -> Raised:
    message = f"No module named {full!r}"
    distribution = None if parent is None else machine.owners.of_module(full)
    cause = Cause.MISSING_MODULE if parent is None else Cause.MISSING_NAME
    if parent is None:
        machine.consult(full)
    elif distribution is not None:
        machine.consult(distribution.name)
    return _unresolved(machine, ModuleNotFoundError, message, full, line, cause)


def missing_name(machine: Machine, module: Module, name: str, line: int, *, imported: bool) -> Raised:
    """The exception for a name that a module does not have."""
    full = f"{module.name}.{name}"
    if imported:
        message = f"cannot import name {name!r} from {module.name!r}"
        return _unresolved(machine, ImportError, message, full, line, Cause.MISSING_NAME, module)
    message = f"module {module.name!r} has no attribute {name!r}"
    return _unresolved(machine, AttributeError, message, full, line, Cause.MISSING_NAME, module)


def _unresolved(
    machine: Machine,
    cls: type[BaseException],
    message: str,
    target: str,
    line: int,
    cause: Cause,
    module: Module | None = None,
) -> Raised:
    running = machine.running
    needer = machine.owners.party(running.module.path, running.module.name)
    provider = machine.owners.provider(target)
    if module is not None and provider.version == "" and module.path:
        provider = machine.owners.party(module.path, module.name)
    line = line or running.line
    place = machine.owners.place(running.module.path or running.module.name, line)
    broken = Broken(
        kind=Kind.IMPORT,
        severity=Severity.RISK,
        needer=needer,
        provider=provider,
        target=target,
        cause=_why(target, provider, cause),
        symptom=f"{cls.__name__}: {message}",
        evidence=(Evidence(artifact=place, detail=f"needs {target}"),),
    )
    failure = Failure(
        cause=cause,
        module=running.module.name,
        path=running.module.path,
        line=line,
        chain=machine.chain(line),
        broken=(broken,),
        message=message,
    )
    return Raised(exception(cls, message, failure))


def _why(target: str, provider: Party, cause: Cause) -> str:
    if cause is Cause.MISSING_MODULE:
        return f"no installed package provides the module {target}"
    if provider.type is PartyType.PYTHON:
        return f"Python {provider.version} has no {target}"
    return f"{provider.label} has no {target}"
