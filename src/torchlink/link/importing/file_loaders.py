"""Modules loaded from a file by hand: ``spec_from_file_location``, ``module_from_spec``, ``loader.exec_module``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from torchlink.link.importing import modules
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import UNKNOWN, ForeignObject, Intrinsic, Module, State, Value, is_known

SPEC = "file spec"
LOADER = "file loader"


def spec_from_file_location(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``importlib.util.spec_from_file_location(name, location)``."""
    given = [*arguments, *(keywords[key] for key in ("name", "location") if key in keywords)]
    if len(given) < 2 or not isinstance(given[0], str) or not isinstance(given[1], (str, PurePath)):
        return UNKNOWN
    return ForeignObject(SPEC, (given[0], str(given[1]))) if is_known(given[0]) and is_known(given[1]) else UNKNOWN


def module_from_spec(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """``importlib.util.module_from_spec(spec)``: a module that nothing has run yet."""
    spec = arguments[0] if arguments else keywords.get("spec")
    if not isinstance(spec, ForeignObject) or spec.kind != SPEC:
        return UNKNOWN
    name, path = spec.data
    module = Module(name=str(name), path=str(path), search=(), stdlib=False)
    modules.set_own_names(module)
    return module


def spec_attribute(data: tuple[Value, ...], name: str) -> Value:
    """An attribute of a spec that was made from a file."""
    return {"name": data[0], "origin": data[1], "loader": ForeignObject(LOADER, data)}.get(name, UNKNOWN)


def loader_attribute(name: str) -> Value:
    """An attribute of the loader of such a spec."""
    return Intrinsic("exec_module", _exec_module) if name == "exec_module" else UNKNOWN


def _exec_module(machine: Machine, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    module = arguments[0] if arguments else keywords.get("module")
    if not isinstance(module, Module) or module.state is State.DONE:
        return None
    folder, _, file = module.path.rpartition("/")
    if file.endswith(".py") and file in machine.sources.files(folder):
        modules.run_source(machine, module)
    else:
        module.opaque = True
    module.state = State.DONE
    return None
