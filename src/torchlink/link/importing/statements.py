"""What each statement does."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from torchlink.link.importing import (
    binding,
    branches,
    calls,
    exceptions,
    expressions,
    managers,
    module_names,
    modules,
)
from torchlink.link.importing.failures import Raised
from torchlink.link.importing.machine import MAX_CALL_STEPS, Machine
from torchlink.link.importing.values import (
    UNKNOWN,
    Class,
    Function,
    Module,
    Scope,
    State,
    Value,
    exception_names,
)
from torchlink.model.reference import Kind, Undecided
from torchlink.model.source import Block, Node

MISSING_ITEM = frozenset({"KeyError", "LookupError", "IndexError"})


class Signal(Enum):
    """How a block ended, when not at its end."""

    BREAK = "break"
    CONTINUE = "continue"
    RETURN = "return"


def run_module(machine: Machine, scope: Scope, block: Block) -> None:
    """Run a module's body. Each statement has its own budget, and starts a new list of consulted versions."""
    running = machine.running
    for statement in block:
        running.line = statement[1]
        if statement[0] not in ("def", "import", "from"):
            running.consulted_before.extend(running.consulted)
            running.consulted.clear()
        machine.steps_left = MAX_CALL_STEPS
        try:
            _run_one(machine, scope, statement)
        except Raised as raised:
            if not calls.is_doubtful(machine, raised):
                raise
            scope.module.opaque = True
            _note_doubt(machine, raised)


def _note_doubt(machine: Machine, raised: Raised) -> None:
    module = machine.running.module
    reason = f"raises for a reason that torchlink cannot follow: {raised.value.message[:200]}"
    place = machine.owners.place(module.path, machine.running.line)
    machine.undecide(Undecided(kind=Kind.IMPORT, artifact=place, reason=reason, reached=False))


def run_function(machine: Machine, scope: Scope, block: Block) -> None:
    """Run the body of a function; its result is left in the scope.

    After an undecided ``return`` the rest of the body runs perhaps.
    """
    entered = False
    try:
        for statement in block:
            if scope.perhaps_returned and not entered:
                machine.perhaps += 1
                entered = True
            if _run_one(machine, scope, statement) is not None:
                return
    except Raised:
        if not entered:
            raise
    finally:
        machine.perhaps -= entered


def run_block(machine: Machine, scope: Scope, block: Block) -> Signal | None:
    """Run the statements of a block in order."""
    left = scope.perhaps_left
    for index, statement in enumerate(block, start=1):
        signal = _run_one(machine, scope, statement)
        if signal is not None:
            return signal
        if scope.perhaps_left is not left and index < len(block):
            return branches.perhaps(machine, scope, (block[index:], ()))
    return None


def _run_one(machine: Machine, scope: Scope, statement: Node) -> Signal | None:
    machine.step(statement[1])
    return _STATEMENTS[statement[0]](machine, scope, statement)


# Imports


def _import(machine: Machine, scope: Scope, statement: Node) -> None:
    for name, alias in statement[2]:
        value = modules.import_module(machine, name, statement[1])
        if alias:
            binding.bind(machine, scope, alias, value)
        else:
            top = name.partition(".")[0]
            binding.bind(machine, scope, top, machine.module_values.get(top, machine.modules.get(top, UNKNOWN)))


def _from(machine: Machine, scope: Scope, statement: Node) -> None:
    _, line, module, level, names = statement
    name = absolute_name(scope.module, module, level)
    if name is None:
        for alias in names:
            binding.bind(machine, scope, alias[1] or alias[0], UNKNOWN)
        return
    value = modules.import_module(machine, name, line)
    for item, alias in names:
        if item == "*":
            module_names.import_star(machine, value, scope.module, line)
        else:
            found = module_names.import_from(machine, value, name, item, line)
            if found is UNKNOWN and isinstance(value, Module) and value.state is State.RUNNING:
                # It may come too late, or never: ``from . import _gpu_build`` in a package asks whether there is one.
                machine.raise_perhaps(exception_names(ImportError), scope)
            binding.bind(machine, scope, alias or item, found)


def absolute_name(module: Module, name: str, level: int) -> str | None:
    """The full name behind a relative import; ``None`` where it leaves the top-level package."""
    if level == 0:
        return name
    package = module.namespace.get("__package__")
    if not isinstance(package, str) or not package:
        return None
    parts = package.split(".")
    if level > len(parts):
        return None
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{name}" if name else base


# Flow


def _expression(machine: Machine, scope: Scope, statement: Node) -> None:
    expressions.evaluate(machine, scope, statement[2])


def _generator(machine: Machine, scope: Scope, statement: Node) -> None:
    scope.yielded = []


def _return(machine: Machine, scope: Scope, statement: Node) -> Signal:
    value = None if statement[2] is None else expressions.evaluate(machine, scope, statement[2])
    scope.result = value
    return Signal.RETURN


def _break(machine: Machine, scope: Scope, statement: Node) -> Signal:
    return Signal.BREAK


def _continue(machine: Machine, scope: Scope, statement: Node) -> Signal:
    return Signal.CONTINUE


# Definitions


def _function(machine: Machine, scope: Scope, statement: Node) -> None:
    _, line, name, decorators, parameters, last_line, body = statement
    function = expressions.make_function(machine, scope, name, parameters, line, last_line, body)
    value: Value = function
    for decorator in reversed(decorators):
        value = managers.decorate(machine, scope, decorator, value)
    binding.bind(machine, scope, name, value)


def _class(machine: Machine, scope: Scope, statement: Node) -> None:
    _, _, name, bases, keywords, decorators, body = statement
    known = tuple(expressions.evaluate(machine, scope, base) for base in bases)
    named = {key: expressions.evaluate(machine, scope, value) for key, value in keywords}
    namespace: dict[str, Value] = {"__module__": scope.module.name}
    cls = Class(name, scope.module, known, namespace, metaclass=named.get("metaclass"))
    inner = Scope(namespace, scope.module, parent=scope, is_class=True)
    run_block(machine, inner, body)
    for member in namespace.values():
        function = member
        if isinstance(function, Function) and not function.owner:
            function.owner = name
    namespace.setdefault("__class_cell__", cls)
    value: Value = cls
    for decorator in reversed(decorators):
        value = managers.decorate(machine, scope, decorator, value)
    binding.bind(machine, scope, name, value)


_STATEMENTS: dict[str, Callable[[Machine, Scope, Node], Signal | None]] = {
    "import": _import,
    "from": _from,
    "assign": binding.assignment,
    "aug": binding.augment,
    "declare": binding.declare,
    "annotations": binding.read_annotations,
    "del": binding.delete,
    "global": binding.global_,
    "nonlocal": binding.nonlocal_,
    "expr": _expression,
    "if": branches.if_,
    "for": branches.for_,
    "while": branches.while_,
    "match": branches.match_,
    "try": exceptions.try_,
    "raise": exceptions.raise_,
    "generator": _generator,
    "assert": exceptions.assert_,
    "return": _return,
    "break": _break,
    "continue": _continue,
    "with": exceptions.with_,
    "def": _function,
    "class": _class,
}
