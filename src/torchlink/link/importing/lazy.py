"""Lazy-module idioms that build large tables or read their own folder: computed at once instead of step by step.

``_LazyModule`` is transformers' class, which diffusers, trl, optimum and others copied; ``define_import_structure``
(transformers from 4.48 on) reads the ``__all__`` of every model file; ``lazy_loader.attach_stub`` reads a stub.
Their ``__getattr__`` is then run on paper as any other code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from torchlink.link.importing import attributes, calls, containers, operations
from torchlink.link.importing.failures import Raised, exception
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.names import bound_names
from torchlink.link.importing.values import (
    UNKNOWN,
    Foreign,
    Function,
    Instance,
    Intrinsic,
    Module,
    Value,
    is_known,
    is_text,
)

Call = Callable[[Machine, Sequence[Value], dict[str, Value]], Value]

_ALL = re.compile(r"^__all__\s*(?::[^=\n]*)?\+?=\s*[\[(]([^\])]*)[\])]", re.M)
_QUOTED = re.compile(r"""["'](\w+)["']""")
_REQUIRES = re.compile(
    r"^@requires\(\s*backends\s*=\s*\(([^)]*)\)\s*,?\s*\)\s*\n(?:[@#) ][^\n]*\n)*(?:class|def)\s+(\w+)", re.M
)
MAX_FILES = 20_000


def initialise(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``_LazyModule.__init__(self, name, module_file, import_structure, module_spec, extra_objects)``."""
    self = arguments[0]
    given = dict(
        zip(("name", "module_file", "import_structure", "module_spec", "extra_objects"), arguments[1:], strict=False)
    )
    given.update(keywords)
    structure = given.get("import_structure")
    if not isinstance(self, Instance):
        return None
    attributes = self.attributes
    attributes["_name"] = given.get("name", UNKNOWN)
    attributes["__name__"] = attributes["_name"]
    attributes["__file__"] = given.get("module_file", UNKNOWN)
    attributes["_objects"] = given.get("extra_objects") or {}
    attributes["_object_missing_backend"] = {}
    attributes["_explicit_import_shortcut"] = given.get("explicit_import_shortcut") or {}
    attributes["_extra_import_path"] = UNKNOWN
    if not isinstance(structure, dict):
        attributes["_modules"] = attributes["_class_to_module"] = UNKNOWN
        return None
    by_backends = _by_backends(structure)
    modules: set[Value] = set()
    owners: dict[Value, Value] = {}
    missing: dict[Value, Value] = {}
    for backends, table in by_backends:
        lacking: list[Value] = [name for name in backends if not _is_available(machine, self, name)]
        _enter(table, lacking, modules, owners, missing)
    attributes["_modules"] = modules
    attributes["_class_to_module"] = owners
    attributes["_object_missing_backend"] = missing
    attributes["_import_structure"] = dict.fromkeys(modules, UNKNOWN)
    attributes["__all__"] = [*modules, *owners]
    return None


def _by_backends(structure: dict[Value, Value]) -> list[tuple[frozenset[str], dict[Value, Value]]]:
    """The older form has submodules as keys, the newer one sets of backends."""
    if not any(isinstance(key, frozenset) for key in structure):
        return [(frozenset(), structure)]
    return [
        (frozenset(str(name) for name in key), table)
        for key, table in structure.items()
        if isinstance(key, frozenset) and isinstance(table, dict)
    ]


def _enter(
    table: dict[Value, Value],
    lacking: list[Value],
    modules: set[Value],
    owners: dict[Value, Value],
    missing: dict[Value, Value],
) -> None:
    for key, names in table.items():
        if not is_text(key):
            modules.add(UNKNOWN)
            continue
        parts = key.split(".")
        modules.update(".".join(parts[: index + 1]) for index in range(len(parts)))
        if lacking:
            missing[key] = lacking
        listed = containers.items_of(names)
        for name in [UNKNOWN] if listed is None else listed:
            owners[name] = key
            if lacking:
                missing[name] = lacking


def _is_available(machine: Machine, self: Instance, backend: str) -> bool:
    """Whether a backend is there, by the package's own table; what cannot be told counts as there."""
    table = self.cls.module.namespace.get("BACKENDS_MAPPING")
    if not isinstance(table, dict):
        return True
    entry = table.get(backend)
    if not isinstance(entry, (tuple, list)) or not entry:
        return True
    try:
        return operations.truth_of(calls.call(machine, entry[0], [], {})) is not False
    except Raised:
        return False


def define_import_structure(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``define_import_structure(folder, prefix=None)``: backends → module → the names in its ``__all__``."""
    folder = str(arguments[0]) if arguments and is_known(arguments[0]) else ""
    prefix = arguments[1] if len(arguments) > 1 else keywords.get("prefix")
    if not folder.startswith("/"):
        return UNKNOWN
    if folder.endswith(".py"):
        folder = folder.rpartition("/")[0]
    checks = _base_requirements(machine)
    structure: dict[Value, Value] = {frozenset(): {}}
    for path, module in _module_files(machine, folder):
        base = _base_of(machine, checks, module.rpartition(".")[2])
        text = machine.sources.text(path)
        full = f"{prefix}.{module}" if is_text(prefix) else module
        required = {name: frozenset([*_QUOTED.findall(backends), *base]) for backends, name in _decorated(text)}
        exported = {name for listed in _listed(text) for name in _QUOTED.findall(listed)}
        for name in exported | required.keys():
            _put(structure, required.get(name, frozenset(base)), full, name)
        if not exported and not required:
            _put(structure, frozenset(base), full, "")
    return structure


def _decorated(text: str) -> list[tuple[str, str]]:
    """The backends and the name of each class or function below ``@requires``."""
    return _REQUIRES.findall(text) if "@requires(" in text else []


def _listed(text: str) -> list[str]:
    """What stands between the brackets of ``__all__``. Of thousands of files the pattern sees only the ends."""
    first = text.find("__all__")
    return [] if first < 0 else _ALL.findall(text, text.rfind("\n", 0, first) + 1)


def _put(structure: dict[Value, Value], backends: frozenset[str], module: str, name: str) -> None:
    table = structure.setdefault(backends, {})
    if isinstance(table, dict):
        names = table.setdefault(module, set())
        if name and isinstance(names, set):
            names.add(name)


def _module_files(machine: Machine, folder: str) -> Iterable[tuple[str, str]]:
    """Every source file below a folder with its dotted name, ``__init__`` and conversion scripts left out."""
    pending: list[tuple[str, str]] = [(folder, "")]
    count = 0
    while pending:
        current, name = pending.pop()
        for file in sorted(machine.sources.files(current)):
            count += 1
            if file.endswith(".py") and file != "__init__.py" and not file.startswith(("convert_", "modular_")):
                yield f"{current}/{file}", name + file[:-3]
        if count < MAX_FILES:
            folders = machine.sources.folders(current)
            pending.extend((f"{current}/{inner}", f"{name}{inner}.") for inner in sorted(folders))


def _base_requirements(machine: Machine) -> dict[Value, Value]:
    """The package's ``BASE_FILE_REQUIREMENTS``: a test of a file's name → the backends that it needs."""
    table = machine.running.module.namespace.get("BASE_FILE_REQUIREMENTS")
    if table is None:
        utils = machine.modules.get("transformers.utils.import_utils")
        table = None if utils is None else utils.namespace.get("BASE_FILE_REQUIREMENTS")
    return table if isinstance(table, dict) else {}


def _base_of(machine: Machine, checks: dict[Value, Value], name: str) -> tuple[str, ...]:
    for check, backends in checks.items():
        if not isinstance(check, Function) or not isinstance(backends, tuple):
            continue
        given: list[Value] = [name, UNKNOWN][: len(check.parameters[0])]
        if operations.truth_of(calls.call(machine, check, given, {})) is True:
            return tuple(str(backend) for backend in backends)
    return ()


def attach_stub(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``lazy_loader.attach_stub(package, file)``: the names come from the stub beside the file."""
    file = arguments[1] if len(arguments) > 1 else None
    package = arguments[0] if arguments else None
    if not is_text(file) or not is_text(package):
        return UNKNOWN
    source = machine.sources.module(f"{file.rpartition('.')[0]}.pyi")
    owners: dict[str, str] = {}
    for statement in source.block:
        if statement[0] == "from" and statement[3] == 1:
            owners.update((alias or name, statement[2] or name) for name, alias in statement[4])
    names, _ = bound_names(source)

    def hook(machine: Machine, given: Sequence[Value], named: dict[str, Value]) -> Value:
        name = given[0]
        if not is_text(name) or source.problem:
            return UNKNOWN
        if name not in names:
            raise Raised(exception(AttributeError, f"No {package} attribute {name}"))
        module = owners.get(name, name)
        value = calls.call(machine, Intrinsic("import", _importer(f"{package}.{module}")), [], {})
        return (
            value if module == name or not isinstance(value, Module) else attributes.get_attribute(machine, value, name)
        )

    return (Intrinsic("__getattr__", hook), Foreign("lazy_loader.__dir__"), sorted(names))


def _importer(name: str) -> Call:
    from torchlink.link.importing import modules

    return lambda machine, arguments, keywords: modules.import_module(machine, name)


MODELLED: dict[str, Call] = {"lazy_loader.attach_stub": attach_stub}
BY_LAST_NAME: dict[str, Intrinsic] = {
    "_LazyModule.__init__": Intrinsic("_LazyModule.__init__", initialise),
    "define_import_structure": Intrinsic("define_import_structure", define_import_structure),
}
"""Functions that many packages copied, by class and name alone."""
