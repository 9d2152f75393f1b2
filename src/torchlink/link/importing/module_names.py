"""The names of a module: which it has, and what importing them gives."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from torchlink.link.importing import attributes, intrinsics, modules, operators, versions
from torchlink.link.importing.failures import Raised
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.names import stub_names
from torchlink.link.importing.scalar_types import is_scalar_type
from torchlink.link.importing.values import UNKNOWN, Foreign, ForeignObject, Module, State, Value, is_text
from torchlink.model.source import Presence

OWN_NAMES = frozenset(
    {*dir(ModuleType), *dir(ModuleType("")), "__annotations__", "__builtins__", "__cached__", "__file__", "__path__"}
    | {"__all__", "__warningregistry__"}
)
"""What every module has, or may have without binding it: decorators write ``__all__``, warnings their registry."""


def get_name(machine: Machine, module: Module, name: str) -> tuple[bool, Value]:
    """Read a name of a module: whether it is there (``True`` also where that is not known), and its value."""
    value = module.namespace.get(name, _ABSENT)
    if value is not _ABSENT:
        if name == "__version__":
            return True, versions.version_of(machine, module, value)
        if value is None:
            # A stand-in for what the module binds later, out of sight (``pkg_resources.require``).
            return True, intrinsics.MODELLED.get(f"{module.name}.{name}")
        return True, value
    if name in OWN_NAMES:
        return True, UNKNOWN
    hook = module.namespace.get("__getattr__", _ABSENT)
    if hook is not _ABSENT and not module.stdlib and module.unasked.get(name) is not module.state:
        answer = _ask_hook(machine, hook, name)
        if answer is not None:
            return answer
        if module.opaque and _is_singled_out(machine, hook, name):
            return False, UNKNOWN
    if module.state is State.RUNNING and module.path:
        module.unasked[name] = State.RUNNING
        # A circular import: whether the name is bound in time depends on the order of what was not followed.
        return True, UNKNOWN
    if module.opaque:
        return True, Foreign(f"{module.name}.{name}") if module.stdlib else UNKNOWN
    if module.libraries and in_libraries(machine, module, name):
        module.unasked[name] = module.state
        if name in operators.CUDA_VERSION:
            return True, intrinsics.CUDA_VERSION
        return True, ForeignObject("native", tuple(module.libraries))
    return _is_tensor_type(machine, module, name), UNKNOWN


_ABSENT = object()


def _is_tensor_type(machine: Machine, module: Module, name: str) -> bool:
    """Whether torch binds a name such as ``torch.cuda.FloatTensor`` in a module of its own, from outside of it."""
    if not (name.endswith("Tensor") and module.name.startswith("torch.")):
        return False
    package, _, _ = module.path.rpartition(f"/{module.name.partition('.')[2].replace('.', '/')}")
    return is_scalar_type(machine.sources, package, name)


def _ask_hook(machine: Machine, hook: Value, name: str) -> tuple[bool, Value] | None:
    """What a module's own ``__getattr__`` answers; ``None`` where it says that there is no such name."""
    try:
        return True, attributes.call_hook(machine, hook, name)
    except Raised as raised:
        if attributes.is_plain_attribute_error(raised):
            return None
        raise


def _is_singled_out(machine: Machine, hook: Value, name: str) -> bool:
    """Whether a ``__getattr__`` refuses this name in another place than any other: it is listed as gone."""
    refused = _refusal(machine, hook, name)
    return refused > 0 and refused != _refusal(machine, hook, "no_module_has_this_name")


def _refusal(machine: Machine, hook: Value, name: str) -> int:
    try:
        attributes.call_hook(machine, hook, name)
    except Raised as raised:
        return 0 if raised.failure is None else raised.failure.line
    return 0


def in_libraries(machine: Machine, module: Module, name: str) -> bool:
    """Whether a module may have a name from a library: the library's stub lists it, or it stands in its bytes.

    A name that only ends a longer word there may still be one: linkers merge a string into the end of another. So may
    one that begins with an underscore: torch hides ``segment_reduce`` under such a name.
    """
    return _is_in_libraries(machine, module, name) or (
        name.startswith("_") and _is_in_libraries(machine, module, name.lstrip("_"))
    )


def _is_in_libraries(machine: Machine, module: Module, name: str) -> bool:
    for path in module.libraries:
        names = machine.stubs.get(path)
        if names is None:
            names = machine.stubs[path] = stub_names(machine.sources, path)
        if name in names:
            return True
        for library in machine.sources.library_family(path):
            if machine.sources.name_in_binary(library, name) is not Presence.ABSENT:
                return True
        if is_scalar_type(machine.sources, path.rpartition("/")[0], name):
            return True
    return False


def import_from(machine: Machine, value: Value, module_name: str, name: str, line: int) -> Value:
    """``from module import name``. Raises Raised where Python would."""
    machine.references += 1
    if not isinstance(value, Module):
        if value is UNKNOWN:
            return UNKNOWN
        return attributes.get_attribute(machine, value, name, line, imported=module_name)
    there, result = get_name(machine, value, name)
    if isinstance(result, Foreign):
        return attributes.foreign(machine, result.name)
    if there and result is not UNKNOWN:
        return result
    found = submodule(machine, value, name, line)
    if found is not None:
        return found
    if there or modules.is_hooked(machine, f"{value.name}.{name}"):
        return UNKNOWN
    raise modules.missing_name(machine, value, name, line, imported=True)


def submodule(machine: Machine, module: Module, name: str, line: int) -> Value:
    """Import a package's sub-module by its last name; ``None`` where there is none."""
    if not module.search:
        return None
    full = f"{module.name}.{name}"
    if full in machine.modules:
        return machine.module_values.get(full, machine.modules[full])
    if machine.finder.within(name, modules.search_of(machine, module)) is None:
        return None
    return modules.import_module(machine, full, line)


def star_names(machine: Machine, module: Module) -> Sequence[str]:
    """What ``from module import *`` binds, as far as it can be read off."""
    listed = module.namespace.get("__all__")
    if isinstance(listed, (list, tuple)):
        return [name for name in listed if is_text(name)]
    return [name for name in module.namespace if not name.startswith("_")]


def import_star(machine: Machine, value: Value, target: Module, line: int) -> None:
    """``from module import *``."""
    if not isinstance(value, Module):
        target.opaque = True
        return
    listed = value.namespace.get("__all__")
    for name in star_names(machine, value):
        there, item = get_name(machine, value, name)
        if there and item is UNKNOWN:
            item = submodule(machine, value, name, line) or UNKNOWN
        elif not there:
            found = submodule(machine, value, name, line)
            if found is None:
                raise modules.missing_name(machine, value, name, line, imported=False)
            item = found
        target.namespace[name] = item
    if isinstance(listed, (list, tuple)):
        opened = [item for item in listed if not is_text(item)]
        target.opaque |= any(not is_native(item, "name") for item in opened)
        if not opened:
            return
    elif listed is not None or value.opaque or value.state is State.RUNNING:
        target.opaque = True
    target.libraries.extend(path for path in value.libraries if path not in target.libraries)


def is_native(value: Value, kind: str) -> bool:
    """Whether a value is something of a native module: an object of it, its list of names, or one of them."""
    return isinstance(value, ForeignObject) and value.kind == kind


def bind_native_names(module: Module, name: Value) -> None:
    """``globals()[name] = ...`` with a name that is not known; one out of ``dir(native)`` opens only that library."""
    if isinstance(name, ForeignObject) and name.kind == "name":
        module.libraries.extend(str(path) for path in name.data if path not in module.libraries)
    else:
        module.opaque = True
