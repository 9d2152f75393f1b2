"""What reading an attribute gives, by what it is read from."""

from __future__ import annotations

from torchlink.link.importing import (
    calls,
    intrinsics,
    methods,
    module_names,
    modules,
    operations,
    operators,
)
from torchlink.link.importing.builtin_functions import set_attribute
from torchlink.link.importing.failures import Raised
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.values import (
    UNKNOWN,
    Class,
    ExceptionValue,
    Foreign,
    ForeignObject,
    Function,
    Instance,
    Intrinsic,
    Method,
    Module,
    Operators,
    Super,
    Value,
    ancestors,
    exception_names,
    is_text,
)


def get_attribute(machine: Machine, owner: Value, name: str, line: int = 0, *, imported: str = "") -> Value:
    """``owner.name``. Raises Raised where a module certainly has no such name.

    ``imported`` is the name of the module for ``from ... import name``.
    """
    if isinstance(owner, Module):
        return _module_attribute(machine, owner, name, line)
    if isinstance(owner, Instance):
        return _instance_attribute(machine, owner, name, line, imported)
    if isinstance(owner, Class):
        return _class_attribute(machine, owner, name)
    if isinstance(owner, Foreign):
        return foreign(machine, f"{owner.name}.{name}")
    if isinstance(owner, ForeignObject):
        return intrinsics.object_attribute(machine, owner, name)
    if isinstance(owner, Operators):
        return operators.operator(machine, owner, name, line)
    if isinstance(owner, operations.Globals):
        return intrinsics.globals_method(owner, name)
    if isinstance(owner, Super):
        return _inherited(owner, name)
    if isinstance(owner, Function):
        return _function_attribute(owner, name)
    if isinstance(owner, ExceptionValue):
        return _exception_attribute(owner, name)
    known = methods.data_attribute(owner, name)
    if known is not None or name in ("pre", "post", "dev", "local"):
        return known
    return intrinsics.path_attribute(owner, name)


def foreign(machine: Machine, name: str) -> Value:
    """An object outside of what is followed: the function or constant that is modelled, or its name alone."""
    constant = intrinsics.system_constant(machine, name)
    return intrinsics.foreign(name) if constant is None else constant


def has_attribute(machine: Machine, owner: Value, name: str) -> Value:
    """``hasattr(owner, name)``: ``True``, ``False`` or ``UNKNOWN``."""
    if isinstance(owner, Module):
        try:
            there, value = module_names.get_name(machine, owner, name)
        except Raised:
            return UNKNOWN
        if there:
            return True if name in owner.namespace or (value is not UNKNOWN and not owner.stdlib) else UNKNOWN
        return UNKNOWN if _is_submodule(machine, owner, name) else False
    if isinstance(owner, Operators):
        return operators.lives(machine, f"{owner.name}::{name}")
    if isinstance(owner, Instance):
        return _instance_has(machine, owner, name)
    return UNKNOWN


def _instance_has(machine: Machine, owner: Instance, name: str) -> Value:
    if name in owner.attributes:
        # What was set under an undecided condition is not known to be there.
        return True if owner.attributes[name] is not UNKNOWN else UNKNOWN
    if not owner.followed or not machine.certain or name.startswith("__") or not is_plain(owner.cls):
        return UNKNOWN
    return find_member((owner.cls,), name) is not None


def is_plain(cls: Class, depth: int = 0) -> bool:
    """Whether all that a class gives its instances is known."""
    if cls.opaque or cls.metaclass is not None or "__getattr__" in cls.namespace or depth > 30:
        return False
    if "__new__" in cls.namespace or "__slots__" in cls.namespace:
        return False
    return all(isinstance(base, Class) and is_plain(base, depth + 1) for base in cls.bases)


def _is_submodule(machine: Machine, owner: Module, name: str) -> bool:
    return bool(owner.search) and machine.finder.within(name, modules.search_of(machine, owner)) is not None


def _module_attribute(machine: Machine, owner: Module, name: str, line: int) -> Value:
    if name == "__dict__" and not owner.stdlib:
        return operations.Globals(owner)
    machine.references += 1
    there, value = module_names.get_name(machine, owner, name)
    if there:
        if value is UNKNOWN and owner.stdlib:
            return foreign(machine, f"{owner.name}.{name}")
        return foreign(machine, value.name) if isinstance(value, Foreign) else value
    if _is_submodule(machine, owner, name):
        # Somebody has to import it first. That somebody may stand in code that was not followed.
        full = f"{owner.name}.{name}"
        return machine.module_values.get(full, machine.modules.get(full, UNKNOWN))
    raise modules.missing_name(machine, owner, name, line, imported=False)


def _inherited(owner: Super, name: str) -> Value:
    member = find_member(tuple(owner.cls.bases), name)
    if isinstance(member, Function):
        return Method(member, owner.self)
    if member is None and name == "__setattr__":
        return Intrinsic(
            "builtins.object.__setattr__",
            lambda machine, arguments, keywords: set_attribute(machine, [owner.self, *arguments], keywords),
        )
    return UNKNOWN


def _instance_attribute(machine: Machine, owner: Instance, name: str, line: int, imported: str) -> Value:
    if name in owner.attributes:
        return owner.attributes[name]
    if name == "__class__":
        return owner.cls
    if name == "__dict__":
        return owner.attributes
    member = find_member((owner.cls,), name)
    if isinstance(member, Function):
        kind = member.attributes.get("__kind__")
        if kind == "property":
            return calls.call(machine, member, [owner], {})
        return member if kind == "static" else Method(member, owner.cls if kind == "class" else owner)
    if member is not None:
        # A metaclass may give each class an object of its own in the place of its base's.
        is_other = isinstance(member, Instance) and not is_plain(owner.cls)
        return UNKNOWN if is_other or _is_descriptor(member) else member
    if name in module_names.OWN_NAMES:
        return UNKNOWN
    hook = find_member((owner.cls,), "__getattr__")
    known: list[Value] = list(owner.attributes)
    if not isinstance(hook, Function) or UNKNOWN in known:
        return UNKNOWN
    try:
        return call_hook(machine, Method(hook, owner), name)
    except Raised as raised:
        if not is_plain_attribute_error(raised):
            raise
        if not imported:
            return _without_attribute(machine, owner, name, line, raised)
        module = machine.modules.get(imported)
        if module is None:
            raise
        submodule = module_names.submodule(machine, module, name, line)
        if submodule is not None:
            return submodule
        raise modules.missing_name(machine, module, name, line, imported=True) from None


def call_hook(machine: Machine, hook: Value, name: str) -> Value:
    """Call a ``__getattr__``: who calls it waits for its ``AttributeError``."""
    guards = machine.running.guards
    guards.append(("AttributeError",))
    try:
        return calls.call(machine, hook, [name], {})
    finally:
        guards.pop()


def _without_attribute(machine: Machine, owner: Instance, name: str, line: int, raised: Raised) -> Value:
    """An instance's ``__getattr__`` knows no such name. Only what stands for a module certainly has none."""
    if machine.expects(("AttributeError",)):
        raise raised
    stands_for = owner.attributes.get("__name__")
    module = machine.modules.get(stands_for) if is_text(stands_for) else None
    if module is None or machine.module_values.get(module.name) is not owner:
        return UNKNOWN
    raise modules.missing_name(machine, module, name, line, imported=False)


def is_plain_attribute_error(raised: Raised) -> bool:
    """An ``AttributeError`` that the source raises for a name that it does not know."""
    names = exception_names(raised.value.cls)
    return "AttributeError" in names and (raised.failure is None or raised.failure.explicit)


def find_member(classes: tuple[Value, ...], name: str) -> Value:
    """A member of the first class that has it, bases in order; ``None`` where none has it."""
    for cls in ancestors(classes):
        if isinstance(cls, Class) and name in cls.namespace:
            return cls.namespace[name]
    return None


def _is_descriptor(member: Value) -> bool:
    """Whether a member of a class computes what is got by its name."""
    return isinstance(member, Instance) and find_member((member.cls,), "__get__") is not None


def _class_attribute(machine: Machine, owner: Class, name: str) -> Value:
    if name in ("__name__", "__qualname__"):
        return owner.name
    member = find_member((owner,), name)
    if isinstance(member, Function) and member.attributes.get("__kind__") == "class":
        return Method(member, owner)
    if member is not None and not name.startswith("_"):
        return UNKNOWN if _is_descriptor(member) else member
    hook = find_member((owner.metaclass,), "__getattribute__") or find_member((owner.metaclass,), "__getattr__")
    if isinstance(hook, Function) and not name.startswith("_"):
        return calls.call(machine, Method(hook, owner), [name], {})
    return UNKNOWN if member is None else member


def _function_attribute(owner: Function, name: str) -> Value:
    if name in ("__name__", "__qualname__") and "__name__" not in owner.attributes:
        return owner.name
    if name == "__module__":
        return owner.module.name
    return owner.attributes.get(name, UNKNOWN)


def _exception_attribute(owner: ExceptionValue, name: str) -> Value:
    if name == "args":
        return owner.arguments
    return owner.message if name in ("msg", "message") else UNKNOWN
