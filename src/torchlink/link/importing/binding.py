"""What statements bind: names, attributes, items, annotations."""

from __future__ import annotations

from torchlink.link.importing import (
    attributes,
    containers,
    expressions,
    module_names,
    operations,
)
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.names import target_names
from torchlink.link.importing.texts import PartlyKnown
from torchlink.link.importing.values import (
    UNKNOWN,
    Class,
    Foreign,
    Function,
    Instance,
    Module,
    Scope,
    Value,
    is_text,
)
from torchlink.model.source import Node


def bind(machine: Machine, scope: Scope, name: str, value: Value) -> None:
    """Bind a name in a scope. What is bound elsewhere under an undecided condition is unknown from then on."""
    if name in scope.globals:
        _rebind(machine, scope.module.namespace, name, value)
    elif name in scope.nonlocals:
        _rebind(machine, _holder(scope, name), name, value)
    else:
        scope.variables[name] = value


def _rebind(machine: Machine, variables: dict[str, Value], name: str, value: Value) -> None:
    variables[name] = value if machine.certain else UNKNOWN
    machine.rebind(variables, name)


def _holder(scope: Scope, name: str) -> dict[str, Value]:
    """The variables of the enclosing function that has a name."""
    outer = scope.parent
    while outer is not None and (outer.is_class or name not in outer.variables):
        outer = outer.parent
    return scope.variables if outer is None else outer.variables


def assign(machine: Machine, scope: Scope, target: Node, value: Value) -> None:
    """Assign to any kind of target."""
    kind = target[0]
    if kind == "n":
        bind(machine, scope, target[1], value)
    elif kind in ("tuple", "list"):
        _unpack(machine, scope, target[1], value)
    elif kind == "a":
        _set_attribute(machine, expressions.evaluate(machine, scope, target[1]), target[2], value)
    elif kind == "sub":
        container = expressions.evaluate(machine, scope, target[1])
        _set_item(machine, scope, container, expressions.evaluate(machine, scope, target[2]), value)
    elif kind == "*":
        assign(machine, scope, target[1], value)


def _unpack(machine: Machine, scope: Scope, targets: tuple[Node, ...], value: Value) -> None:
    star = next((index for index, target in enumerate(targets) if target[0] == "*"), -1)
    items = list(value) if isinstance(value, (tuple, list)) else []
    if star >= 0 and len(items) >= len(targets) - 1:
        end = len(items) - (len(targets) - 1 - star)
        items[star:end] = [items[star:end]]
    if len(items) != len(targets):
        items = [UNKNOWN] * len(targets)
    for target, item in zip(targets, items, strict=True):
        assign(machine, scope, target, item)


def _set_attribute(machine: Machine, owner: Value, name: str, value: Value) -> None:
    if not machine.certain:
        value = UNKNOWN
    if isinstance(owner, Module):
        owner.namespace[name] = value
        machine.by_text += 1
    elif isinstance(owner, Instance):
        _set_on_instance(owner, name, value)
        machine.change(owner)
    elif isinstance(owner, Class):
        machine.by_text += 1
        # What else a metaclass does to its classes is not followed: it may put something else there.
        owner.namespace[name] = value if attributes.is_plain(owner) else UNKNOWN
    elif isinstance(owner, Function):
        owner.attributes[name] = value


def _set_on_instance(owner: Instance, name: str, value: Value) -> None:
    member = attributes.find_member((owner.cls,), name)
    if isinstance(member, Function) and member.attributes.get("__kind__") == "property":
        # A setter, or the cache of a property: what the attribute is from now on is not followed.
        value, owner.followed = UNKNOWN, False
    owner.attributes[name] = value


def _set_item(machine: Machine, scope: Scope, container: Value, key: Value, value: Value) -> None:
    if container == Foreign("sys.modules"):
        if is_text(key):
            replace_module(machine, key, value)
        else:
            machine.hooked.add(_known_package(key) or scope.module.name)
        machine.by_text += 1
        return
    if isinstance(container, operations.Globals):
        machine.by_text += 1
        if is_text(key):
            container.module.namespace[key] = value
        else:
            module_names.bind_native_names(container.module, key)
        return
    machine.change(container)
    containers.set_item(container, key, value, certain=machine.certain)


def _known_package(name: Value) -> str:
    """The package in a module's name of which only the beginning is known: ``torch._C`` of ``torch._C.…``."""
    known = name.partition("…")[0] if isinstance(name, PartlyKnown) else ""
    return known.rpartition(".")[0]


def replace_module(machine: Machine, name: str, value: Value) -> None:
    """``sys.modules[name] = value``."""
    machine.module_values[name] = value
    module = machine.modules.get(name)
    if isinstance(value, Module):
        if module is None or module is not value:
            machine.modules[name] = value
    elif module is None:
        machine.modules[name] = Module(name=name, path="", opaque=True)
    else:
        module.replacement = value
        if isinstance(value, Instance):
            for key in ("__path__", "__file__", "__name__", "__package__"):
                if key in module.namespace:
                    value.attributes.setdefault(key, module.namespace[key])
    parent, _, last = name.rpartition(".")
    if parent in machine.modules:
        machine.modules[parent].namespace[last] = value


def assignment(machine: Machine, scope: Scope, statement: Node) -> None:
    """``a = b = value``."""
    value = expressions.evaluate(machine, scope, statement[3])
    for target in statement[2]:
        assign(machine, scope, target, value)
    consulted = machine.running.consulted
    if consulted and scope.variables is scope.module.namespace:
        # What is tested later by this name was computed from those versions.
        for target in statement[2]:
            scope.module.origins.update(dict.fromkeys(target_names(target), tuple(consulted)))


def augment(machine: Machine, scope: Scope, statement: Node) -> None:
    """``a += value``."""
    _, _, target, operator, expression = statement
    value = expressions.evaluate(machine, scope, expression)
    old = expressions.evaluate(machine, scope, target)
    if isinstance(old, (list, set, dict)) and operator in ("Add", "BitOr"):
        machine.change(old)
        containers.extend(old, value if machine.certain else UNKNOWN)
        return
    assign(machine, scope, target, operations.binary(machine, operator, old, value))


def declare(machine: Machine, scope: Scope, statement: Node) -> None:
    """``a: int``: the name is annotated and not bound."""


def read_annotations(machine: Machine, scope: Scope, statement: Node) -> None:
    """Python evaluates annotations where they stand; from 3.14 on, when somebody asks for them."""
    if machine.environment.interpreter.version_info < (3, 14):
        for attribute in statement[2]:
            expressions.evaluate(machine, scope, attribute)


def delete(machine: Machine, scope: Scope, statement: Node) -> None:
    """``del a, b.c, d[0]``."""
    for target in statement[2]:
        if target[0] == "sub":
            container = expressions.evaluate(machine, scope, target[1])
            key = expressions.evaluate(machine, scope, target[2])
            machine.change(container)
            containers.delete_item(container, key if machine.certain else UNKNOWN)
        elif target[0] == "a" and machine.certain:
            owner = expressions.evaluate(machine, scope, target[1])
            if isinstance(owner, Module):
                machine.by_text += 1
                owner.namespace.pop(target[2], None)
        elif target[0] == "n" and machine.certain:
            scope.variables.pop(target[1], None)


def nonlocal_(machine: Machine, scope: Scope, statement: Node) -> None:
    """``nonlocal a``."""
    scope.nonlocals = scope.nonlocals.union(statement[2])


def global_(machine: Machine, scope: Scope, statement: Node) -> None:
    """``global a``."""
    scope.globals = scope.globals.union(statement[2])
