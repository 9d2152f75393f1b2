"""Functions that import or look for modules: ``importlib`` and ``__import__``."""

from __future__ import annotations

from collections.abc import Sequence

from torchlink.link.importing import (
    containers,
    module_names,
    modules,
    operations,
    statements,
)
from torchlink.link.importing.failures import Raised, exception
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import (
    UNKNOWN,
    ForeignObject,
    Module,
    Value,
    is_text,
)


def import_(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``__import__(name, ..., level)``."""
    name = arguments[0]
    level = arguments[4] if len(arguments) > 4 else keywords.get("level", 0)
    if not is_text(name) or not isinstance(level, int):
        return UNKNOWN
    if level:
        return _import_relative(machine, name, arguments, keywords, level)
    if not name:
        return UNKNOWN
    value = modules.import_module(machine, name)
    if len(arguments) > 3 or keywords.get("fromlist"):
        return value
    top = name.partition(".")[0]
    return machine.module_values.get(top, machine.modules.get(top, UNKNOWN))


def _import_relative(
    machine: Machine, name: str, arguments: Sequence[Value], keywords: dict[str, Value], level: int
) -> Value:
    """``__import__(name, globals(), None, [...], level)``: relative to the package whose globals are given.

    What the list names is a sub-module, perhaps; it is read as an attribute afterwards.
    """
    namespace = arguments[1] if len(arguments) > 1 else keywords.get("globals")
    listed = containers.items_of(arguments[3] if len(arguments) > 3 else keywords.get("fromlist"))
    full = (
        statements.absolute_name(namespace.module, name, level) if isinstance(namespace, operations.Globals) else None
    )
    if full is None or not listed:
        return UNKNOWN
    machine.by_text += 1
    value = modules.import_module(machine, full)
    if isinstance(value, Module):
        for item in listed:
            if is_text(item) and item not in value.namespace:
                module_names.submodule(machine, value, item, 0)
    return value


def import_module(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``importlib.import_module(name, package)``."""
    name = arguments[0] if arguments else keywords.get("name")
    package = arguments[1] if len(arguments) > 1 else keywords.get("package")
    full = _absolute(name, package)
    machine.by_text += 1
    if full is None:
        return UNKNOWN
    if full in machine.popped and full not in machine.modules:
        return modules.import_hidden_library(machine, full)
    if machine.path_opened_by and machine.finder.top_level(full.partition(".")[0]) is None:
        return UNKNOWN
    return modules.import_module(machine, full)


def _absolute(name: Value, package: Value) -> str | None:
    if not is_text(name) or not name.strip("."):
        return None
    if not name.startswith("."):
        return name
    if not is_text(package):
        return None
    stripped = name.lstrip(".")
    parts = package.split(".")
    keep = len(parts) - (len(name) - len(stripped)) + 1
    return ".".join([*parts[:keep], stripped]) if keep > 0 else None


def find_spec(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``importlib.util.find_spec(name, package)``."""
    full = _absolute(arguments[0], arguments[1] if len(arguments) > 1 else keywords.get("package"))
    if full is None:
        return UNKNOWN
    distribution = machine.owners.of_module(full)
    machine.consult(full.partition(".")[0] if distribution is None else distribution.name)
    parent, _, last = full.rpartition(".")
    if not parent:
        location = machine.finder.top_level(full)
        return None if location is None else ForeignObject("spec", (location.path, location.search))
    package = modules.import_module(machine, parent)
    if not isinstance(package, Module):
        known = machine.modules.get(parent)
        if known is None:
            return UNKNOWN
        package = known
    if package.stdlib or (package.opaque and not package.search):
        return UNKNOWN
    if not package.search:
        raise Raised(exception(ModuleNotFoundError, f"__path__ attribute not found on {parent!r}"))
    location = machine.finder.within(last, modules.search_of(machine, package))
    return None if location is None else ForeignObject("spec", (location.path, location.search))
