"""What functions of the standard library, of packaging and of torch's loader return, on paper.

A function that is not listed here returns ``UNKNOWN``. Each entry says what the real one does with known arguments,
and nothing else.
"""

from __future__ import annotations

import functools
import operator
from collections import OrderedDict
from collections.abc import Sequence

from packaging.version import InvalidVersion

from torchlink.link.importing import (
    attributes,
    builtin_functions,
    calls,
    containers,
    file_loaders,
    files,
    importing_functions,
    lazy,
    methods,
    modules,
    operations,
    operators,
    patterns,
    version_functions,
)
from torchlink.link.importing.builtin_functions import IDENTITY, Call, container, identity, ignore, pure
from torchlink.link.importing.failures import PackageNotFoundError
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import (
    UNKNOWN,
    Foreign,
    ForeignObject,
    Function,
    Instance,
    Intrinsic,
    Operators,
    Value,
    is_known,
    is_text,
)

WARNING_METHODS = frozenset({"warning", "warn", "warning_once", "warning_advice", "error", "warn_once"})

DECORATORS = {
    "builtins.property": "property",
    "functools.cached_property": "property",
    "builtins.staticmethod": "static",
    "builtins.classmethod": "class",
    "contextlib.contextmanager": "context",
    "contextlib.asynccontextmanager": "context",
}


def _getenv(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    name = arguments[0]
    if not is_text(name):
        return UNKNOWN
    machine.consulted_variables.add(name)
    if name in machine.variables:
        return machine.variables[name]
    return arguments[1] if len(arguments) > 1 else keywords.get("default")


def _suppress(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    return ForeignObject("suppress", tuple(arguments))


def _partial(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    function, *bound = arguments

    def call(machine: Machine, more: Sequence[Value], named: dict[str, Value]) -> Value:
        return calls.call(machine, function, [*bound, *more], {**keywords, **named})

    return Intrinsic("partial", call)


def _wraps(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    wrapped = arguments[0]

    def rename(machine: Machine, given: Sequence[Value], named: dict[str, Value]) -> Value:
        wrapper = given[0]
        if isinstance(wrapper, Function):
            name = attributes.get_attribute(machine, wrapped, "__name__") if isinstance(wrapped, Function) else UNKNOWN
            wrapper.attributes["__name__"] = name
            wrapper.attributes["__wrapped__"] = wrapped
        return wrapper

    return Intrinsic("wraps", rename)


def _chain(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    result: list[Value] = []
    for argument in arguments:
        items = containers.items_of(argument)
        if items is None or len(result) + len(items) > 50_000:
            return UNKNOWN
        result.extend(items)
    return result


def _load_library(raises: str) -> Call:
    def load(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        path = arguments[-1] if arguments else None
        text = str(path) if isinstance(path, (str, files.Path)) and is_known(path) else ""
        if not text or "/" not in text.replace("\\", "/"):
            return UNKNOWN
        if not files.is_file(machine, text):
            return UNKNOWN
        modules.load_library(machine, text, raises=raises)
        return UNKNOWN

    return load


def _cuda_version(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    return operators.cuda_version(machine)


LOAD_LIBRARY = Intrinsic("torch.ops.load_library", _load_library("OSError"))
CUDA_VERSION = Intrinsic("cuda_version", _cuda_version)


def _needs_operator(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``torch.library.register_fake("torchvision::nms")``: the operator must have been registered."""
    names = [argument for argument in arguments if is_text(argument) and "::" in argument]
    for name in names:
        dead = operators.is_dead(machine, name)
        if dead is not None:
            raise operators.dead_operator(machine, name, dead)
    return IDENTITY


def _define_operator(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``Library("torchao", "FRAGMENT").define("name(Tensor x) -> Tensor")``: an operator without a native library."""
    library, schema = arguments[0], arguments[1]
    namespace = library.arguments[0] if isinstance(library, Instance) else None
    if is_text(namespace):
        known = is_text(schema)
        name = str(schema).partition("(")[0].partition(".")[0].strip()
        machine.defined_operators.add(f"{namespace}::{name}" if known else namespace)
    return UNKNOWN


def _operators(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    return Operators()


_FUNCTIONS: dict[str, Call] = {
    **builtin_functions.FUNCTIONS,
    "builtins.__import__": importing_functions.import_,
    "collections.OrderedDict": container(OrderedDict),
    "collections.defaultdict": lambda machine, arguments, keywords: {UNKNOWN: UNKNOWN},
    "contextlib.suppress": _suppress,
    "ctypes.CDLL": _load_library("OSError"),
    "ctypes.PyDLL": _load_library("OSError"),
    "ctypes.cdll.LoadLibrary": _load_library("OSError"),
    "functools.lru_cache": identity,
    "functools.cache": identity,
    "functools.partial": _partial,
    "functools.wraps": _wraps,
    "functools.update_wrapper": identity,
    "importlib.import_module": importing_functions.import_module,
    "importlib.util.find_spec": importing_functions.find_spec,
    "importlib.util.spec_from_file_location": file_loaders.spec_from_file_location,
    "importlib.util.module_from_spec": file_loaders.module_from_spec,
    "pkgutil.find_loader": importing_functions.find_spec,
    "importlib.metadata.version": version_functions.distribution_version,
    "importlib.metadata.distribution": version_functions.distribution,
    "importlib.metadata.metadata": version_functions.distribution,
    "importlib.metadata.packages_distributions": version_functions.packages_distributions,
    "importlib_metadata.version": version_functions.distribution_version,
    "importlib_metadata.distribution": version_functions.distribution,
    "importlib_metadata.metadata": version_functions.distribution,
    "importlib.machinery.FileFinder": lambda machine, arguments, keywords: ForeignObject("finder", tuple(arguments)),
    "itertools.chain": _chain,
    "os.getenv": _getenv,
    "os.environ.get": _getenv,
    "packaging.version.parse": version_functions.parse_version,
    "packaging.version.Version": version_functions.parse_version,
    "packaging.specifiers.SpecifierSet": version_functions.specifier,
    "packaging.requirements.Requirement": version_functions.requirement,
    "typing.cast": lambda machine, arguments, keywords: arguments[1],
    "warnings.warn": ignore,
    **{f"operator.{name}": pure(getattr(operator, name)) for name in ("lt", "le", "eq", "ne", "ge", "gt")},
    **files.FUNCTIONS,
    **patterns.FUNCTIONS,
}

MODELLED: dict[str, Intrinsic] = {
    name: Intrinsic(name, call)
    for name, call in {
        "pkg_resources.get_distribution": version_functions.old_distribution,
        "pkg_resources.parse_version": version_functions.parse_version,
        "pkg_resources.declare_namespace": ignore,
        "pkg_resources.require": version_functions.old_require,
        "torch._ops._Ops": _operators,
        "torch._ops._Ops.load_library": _load_library("OSError"),
        "torch.torch_version.TorchVersion": version_functions.torch_version,
        "torch.library.Library.define": _define_operator,
        "torch.library.register_fake": _needs_operator,
        "torch.library.impl_abstract": _needs_operator,
        "torch.library.register_autograd": _needs_operator,
        "torch.library.register_vmap": _needs_operator,
        "torch._custom_ops.impl_abstract": _needs_operator,
        "torch.jit.script": identity,
        "torch.jit._script.script": identity,
        "torch.jit.script_if_tracing": identity,
        "torch._jit_internal.ignore": identity,
        "torch._jit_internal.unused": identity,
        "torch._jit_internal.export": identity,
        "torch.compile": identity,
        **lazy.MODELLED,
    }.items()
}
"""Functions and classes of packages that are computed instead of run, by qualified name."""


@functools.cache
def _constants() -> dict[str, Value]:
    return {
        "typing.TYPE_CHECKING": False,
        "typing_extensions.TYPE_CHECKING": False,
        "importlib.metadata.PackageNotFoundError": PackageNotFoundError,
        "importlib_metadata.PackageNotFoundError": PackageNotFoundError,
        "packaging.version.InvalidVersion": InvalidVersion,
    }


def foreign(name: str) -> Value:
    """What a name of the standard library, or of a modelled package, is worth."""
    constants = _constants()
    if name in constants:
        return constants[name]
    call = _FUNCTIONS.get(name)
    return Foreign(name) if call is None else Intrinsic(name, call)


def system_constant(machine: Machine, name: str) -> Value | None:
    """Constants of the target's interpreter: ``sys.platform``, ``os.name``; ``None`` where it is none."""
    interpreter = machine.environment.interpreter
    markers = interpreter.markers
    if name == "sys.version_info":
        numbers = tuple(int(part) for part in interpreter.version.split(".")[:3] if part.isdigit())
        return (*numbers, "final", 0)
    table: dict[str, Value] = {
        "sys.platform": markers.get("sys_platform", UNKNOWN),
        "sys.version": interpreter.version,
        "sys.maxsize": 2**63 - 1,
        "sys.byteorder": "little",
        "sys.implementation.name": interpreter.implementation,
        "os.name": markers.get("os_name", UNKNOWN),
        "os.sep": "\\" if markers.get("os_name") == "nt" else "/",
    }
    return table.get(name)


_PLATFORM = {
    "platform.system": "platform_system",
    "platform.machine": "platform_machine",
    "platform.python_version": "python_full_version",
    "platform.python_implementation": "platform_python_implementation",
}


def call_foreign(machine: Machine, function: Foreign, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """Call something of the standard library that has no entry in the table."""
    if function.name in _PLATFORM:
        return machine.environment.interpreter.markers.get(_PLATFORM[function.name], UNKNOWN)
    if function.name in ("builtins.exec", "builtins.eval") and machine.scope is not None:
        machine.scope.module.opaque = True
    if function.name == "sys.modules.pop" and arguments:
        return _pop_module(machine, arguments)
    if function.name in ("sys.path.append", "sys.path.insert", "sys.path.extend"):
        _extend_path(machine, arguments, first=function.name == "sys.path.insert")
        return None
    if function.name in ("sys.meta_path.append", "sys.meta_path.insert", "sys.path_hooks.append"):
        machine.hooked.add(machine.running.module.name)
    if function.name.startswith("logging."):
        return ForeignObject("logger")
    return UNKNOWN


def _pop_module(machine: Machine, arguments: Sequence[Value]) -> Value:
    name = arguments[0]
    module = machine.modules.get(name) if is_text(name) and machine.certain else None
    if module is None or not isinstance(name, str):
        return UNKNOWN
    machine.popped[name] = machine.modules.pop(name)
    return module


def _extend_path(machine: Machine, arguments: Sequence[Value], *, first: bool) -> None:
    given = arguments[-1] if arguments else UNKNOWN
    for folder in given if isinstance(given, (list, tuple)) else (given,):
        if not isinstance(folder, (str, files.Path)) or not is_known(folder):
            machine.path_opened_by.add(machine.running.module.name.partition(".")[0])
        elif machine.certain:
            machine.finder.add_path(str(folder).rstrip("/"), first=first)
        else:
            machine.finder.add_path_perhaps(str(folder).rstrip("/"))


def object_attribute(machine: Machine, owner: ForeignObject, name: str) -> Value:
    """An attribute of an object that a modelled function made."""
    kind, data = owner.kind, owner.data
    if kind == "spec":
        if name == "origin":
            return data[0]
        if name == "submodule_search_locations":
            return list(data[1]) if isinstance(data[1], tuple) and data[1] else None
    elif kind == file_loaders.SPEC:
        return file_loaders.spec_attribute(data, name)
    elif kind == file_loaders.LOADER:
        return file_loaders.loader_attribute(name)
    elif kind == "distribution":
        if name == "version":
            return data[0]
        if name in ("name", "project_name"):
            return data[1]
    elif kind == "requirement":
        return {"name": data[0], "specifier": data[1], "extras": data[2]}.get(name, UNKNOWN)
    elif kind == "finder" and name == "find_spec":
        return Intrinsic("find_spec", lambda machine, arguments, keywords: _find_in(machine, data, arguments))
    elif kind == "entry":
        return files.entry_attribute(data, name)
    elif kind == "native":
        return owner
    elif kind == "member":
        return dict(zip(("name", "value"), data, strict=True)).get(name, UNKNOWN)
    elif kind == "match":
        return patterns.match_attribute(data, name)
    elif kind == "pattern":
        return patterns.pattern_attribute(data, name)
    return UNKNOWN


def _find_in(machine: Machine, data: tuple[Value, ...], arguments: Sequence[Value]) -> Value:
    """``importlib.machinery.FileFinder(folder, ...).find_spec(name)``."""
    folder, name = data[0], arguments[0]
    if not isinstance(folder, str) or not isinstance(name, str) or not is_known(folder):
        return UNKNOWN
    location = machine.finder.within(name, (folder,))
    return None if location is None else ForeignObject("spec", (location.path, location.search))


def globals_method(owner: operations.Globals, name: str) -> Value:
    """``globals().update(...)`` and its kin."""
    module = owner.module

    def update(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        machine.by_text += 1
        table: dict[Value, Value] = dict(keywords.items())
        if arguments:
            methods.call_method(methods.DataMethod(table, "update"), arguments, {})
        for key, value in table.items():
            if is_text(key):
                module.namespace[key] = value
            else:
                module.opaque = True
        return None

    def get(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        key = arguments[0]
        if is_text(key) and key in module.namespace:
            return module.namespace[key]
        if module.opaque or not is_known(key):
            return UNKNOWN
        return arguments[1] if len(arguments) > 1 else None

    if name == "update":
        return Intrinsic(name, update)
    if name == "get":
        return Intrinsic(name, get)
    if name in ("setdefault", "__setitem__"):
        module.opaque = True
    return UNKNOWN


def path_attribute(owner: Value, name: str) -> Value:
    """A method of a path that looks at the file system."""
    return files.path_method(owner, name)


BUILTINS: dict[str, Value] = {
    name.partition(".")[2]: Intrinsic(name, call) for name, call in _FUNCTIONS.items() if name.startswith("builtins.")
}
"""Built-in functions by name."""
