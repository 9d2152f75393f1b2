"""What each statement does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from itertools import compress, islice
from operator import is_not

from torchlink.link.importing import calls, expressions, gates, managers, modules, operations
from torchlink.link.importing.failures import Cause, Raised, catches, exception
from torchlink.link.importing.machine import MAX_CALL_STEPS, Machine
from torchlink.link.importing.names import target_names
from torchlink.link.importing.values import (
    UNKNOWN,
    Class,
    Event,
    ExceptionValue,
    Foreign,
    ForeignObject,
    Function,
    Instance,
    Module,
    Scope,
    Value,
    exception_names,
    is_known,
)
from torchlink.model.reference import Kind, Undecided
from torchlink.model.source import Block, Node

MISSING_ITEM = frozenset({"KeyError", "LookupError", "IndexError"})
MAX_ITERATIONS = 300
"""A loop over more known items than this is run once, perhaps."""


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
            return perhaps(machine, scope, (block[index:], ()))
    return None


def _run_one(machine: Machine, scope: Scope, statement: Node) -> Signal | None:
    machine.step()
    if not machine.depth:
        machine.running.line = statement[1]
    return _STATEMENTS[statement[0]](machine, scope, statement)


# Imports


def _import(machine: Machine, scope: Scope, statement: Node) -> None:
    for name, alias in statement[2]:
        value = modules.import_module(machine, name, statement[1])
        if alias:
            bind(machine, scope, alias, value)
        else:
            top = name.partition(".")[0]
            bind(machine, scope, top, machine.module_values.get(top, machine.modules.get(top, UNKNOWN)))


def _from(machine: Machine, scope: Scope, statement: Node) -> None:
    _, line, module, level, names = statement
    name = absolute_name(scope.module, module, level)
    if name is None:
        for alias in names:
            bind(machine, scope, alias[1] or alias[0], UNKNOWN)
        return
    value = modules.import_module(machine, name, line)
    for item, alias in names:
        if item == "*":
            modules.import_star(machine, value, scope.module, line)
        else:
            bind(machine, scope, alias or item, modules.import_from(machine, value, name, item, line))


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


# Binding


def bind(machine: Machine, scope: Scope, name: str, value: Value) -> None:
    """Bind a name in a scope."""
    if name in scope.globals:
        scope.module.namespace[name] = value
    else:
        scope.variables[name] = value


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
    if isinstance(owner, Module):
        owner.namespace[name] = value
    elif isinstance(owner, Instance):
        owner.attributes[name] = value
    elif isinstance(owner, Class):
        owner.namespace[name] = value
    elif isinstance(owner, Function):
        owner.attributes[name] = value


def _set_item(machine: Machine, scope: Scope, container: Value, key: Value, value: Value) -> None:
    if container == Foreign("sys.modules"):
        if isinstance(key, str) and is_known(key):
            replace_module(machine, key, value)
        else:
            machine.hooked.add(scope.module.name)
        return
    if isinstance(container, operations.Globals):
        if isinstance(key, str):
            container.module.namespace[key] = value
        else:
            modules.bind_native_names(container.module, key)
        return
    operations.set_item(container, key, value, certain=machine.certain)


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


def _assign(machine: Machine, scope: Scope, statement: Node) -> None:
    value = expressions.evaluate(machine, scope, statement[3])
    for target in statement[2]:
        assign(machine, scope, target, value)
    consulted = machine.running.consulted
    if consulted and scope.variables is scope.module.namespace:
        # What is tested later by this name was computed from those versions.
        for target in statement[2]:
            scope.module.origins.update(dict.fromkeys(target_names(target), tuple(consulted)))


def _augment(machine: Machine, scope: Scope, statement: Node) -> None:
    _, _, target, operator, expression = statement
    value = expressions.evaluate(machine, scope, expression)
    old = expressions.evaluate(machine, scope, target)
    if isinstance(old, (list, set, dict)) and operator in ("Add", "BitOr"):
        operations.extend(old, value)
        return
    assign(machine, scope, target, operations.binary(machine, operator, old, value))


def _declare(machine: Machine, scope: Scope, statement: Node) -> None:
    pass


def _annotations(machine: Machine, scope: Scope, statement: Node) -> None:
    """Python evaluates annotations where they stand; from 3.14 on, when somebody asks for them."""
    if machine.environment.interpreter.version_info < (3, 14):
        for attribute in statement[2]:
            expressions.evaluate(machine, scope, attribute)


def _delete(machine: Machine, scope: Scope, statement: Node) -> None:
    if not machine.certain:
        return
    for target in statement[2]:
        if target[0] == "n":
            scope.variables.pop(target[1], None)
        elif target[0] == "a":
            owner = expressions.evaluate(machine, scope, target[1])
            if isinstance(owner, Module):
                owner.namespace.pop(target[2], None)


def _global(machine: Machine, scope: Scope, statement: Node) -> None:
    scope.globals = scope.globals.union(statement[2])


# Flow


def _expression(machine: Machine, scope: Scope, statement: Node) -> None:
    expressions.evaluate(machine, scope, statement[2])


def _if(machine: Machine, scope: Scope, statement: Node) -> Signal | None:
    test = expressions.truth(machine, scope, statement[2])
    if test is UNKNOWN:
        return perhaps(machine, scope, (statement[3], statement[4]))
    return run_block(machine, scope, statement[3] if test else statement[4])


def perhaps(machine: Machine, scope: Scope, blocks: tuple[Block, ...]) -> Signal | None:
    """Run blocks of which one will be run, nobody knows which. What they bind differently is unknown afterwards."""
    before = dict(scope.variables)
    outcomes: list[dict[str, Value]] = []
    signals: list[Signal | None] = []
    for block in blocks:
        ended: Signal | None = None
        failed = False
        machine.perhaps += 1
        try:
            ended = run_block(machine, scope, block)
        except Raised:
            failed = True
        finally:
            machine.perhaps -= 1
        if failed:
            _restore(scope, before)
            continue
        signals.append(ended)
        if ended is not None:
            if ended is Signal.RETURN:
                scope.perhaps_returned = True
            if ended.value not in scope.perhaps_left:
                scope.perhaps_left |= {ended.value}
            _restore(scope, before)
            continue
        outcomes.append(dict(scope.variables))
        _restore(scope, before)
    if outcomes:
        _join(scope, before, outcomes)
    if signals and None not in signals and len(signals) == len(blocks) and len(set(signals)) == 1:
        if signals[0] is Signal.RETURN:
            scope.result = UNKNOWN
        return signals[0]
    return None


def _restore(scope: Scope, before: dict[str, Value]) -> None:
    scope.variables.clear()
    scope.variables.update(before)


def _join(scope: Scope, before: dict[str, Value], outcomes: list[dict[str, Value]]) -> None:
    first = outcomes[0]
    if len(outcomes) == 1:
        scope.variables.update(first)
        return
    for name in {name for outcome in outcomes for name in _changed(before, outcome)}:
        values = [outcome[name] for outcome in outcomes if name in outcome]
        scope.variables[name] = values[0] if all(same(values[0], value) for value in values) else UNKNOWN


def _changed(before: dict[str, Value], after: dict[str, Value]) -> Iterator[str]:
    """The names that are bound anew. ``after`` began as a copy, so that its first names are those of ``before``."""
    yield from compress(before, map(is_not, before.values(), after.values()))
    yield from islice(after, len(before), None)


def same(left: Value, right: Value) -> bool:
    """Whether two values are certainly the same."""
    if left is right:
        return True
    plain = (str, int, float, bool, type(None), ForeignObject)
    return type(left) is type(right) and isinstance(left, plain) and left == right


def _for(machine: Machine, scope: Scope, statement: Node) -> Signal | None:
    _, _, target, iterable, body, otherwise = statement
    value = expressions.evaluate(machine, scope, iterable)
    items = operations.items_of(value)
    if items is None or len(items) > MAX_ITERATIONS or machine.exhausted or UNKNOWN in items:
        item: Value = (
            ForeignObject("name", value.data) if isinstance(value, ForeignObject) and value.kind == "names" else UNKNOWN
        )
        return _loop_perhaps(machine, scope, target, body, item)
    outer = scope.perhaps_left
    try:
        for item in items:
            assign(machine, scope, target, item)
            signal = _round(machine, scope, body, outer)
            if signal is Signal.BREAK:
                return None
            if signal is Signal.RETURN:
                return signal
        return _round(machine, scope, otherwise, outer)
    finally:
        _leave_loop(scope, outer)


def _round(machine: Machine, scope: Scope, block: Block, outer: frozenset[str]) -> Signal | None:
    """Run one round of a loop, or its ``else``: perhaps, once an earlier round has perhaps left the loop."""
    if scope.perhaps_left is not outer:
        left = scope.perhaps_left - {Signal.CONTINUE.value} | outer
        if left != outer:
            perhaps(machine, scope, (block, ()))
            return None
        scope.perhaps_left = outer
    return run_block(machine, scope, block)


def _leave_loop(scope: Scope, outer: frozenset[str]) -> None:
    """What is left undecided by a loop: of the ways to end a block, ``return`` alone reaches further."""
    left = outer | (scope.perhaps_left & {Signal.RETURN.value})
    scope.perhaps_left = outer if left == outer else left


def _loop_perhaps(
    machine: Machine, scope: Scope, target: Node | None, body: Block, item: Value = UNKNOWN
) -> Signal | None:
    if target is not None:
        assign(machine, scope, target, item)
    outer = scope.perhaps_left
    perhaps(machine, scope, (body, ()))
    _leave_loop(scope, outer)
    return None


def _while(machine: Machine, scope: Scope, statement: Node) -> Signal | None:
    _, _, test, body, otherwise = statement
    outer = scope.perhaps_left
    for _ in range(MAX_ITERATIONS):
        value = expressions.truth(machine, scope, test)
        if value is UNKNOWN or machine.exhausted or scope.perhaps_left is not outer:
            signal = _loop_perhaps(machine, scope, None, body)
            _leave_loop(scope, outer)
            return signal
        if not value:
            return run_block(machine, scope, otherwise)
        signal = run_block(machine, scope, body)
        if signal is Signal.BREAK:
            return None
        if signal is Signal.RETURN:
            return signal
    return None


def _match(machine: Machine, scope: Scope, statement: Node) -> Signal | None:
    expressions.evaluate(machine, scope, statement[2])
    for name in statement[3]:
        bind(machine, scope, name, UNKNOWN)
    return perhaps(machine, scope, (*statement[4], ()))


def _try(machine: Machine, scope: Scope, statement: Node) -> Signal | None:
    _, _, body, handlers, otherwise, finally_ = statement
    running = machine.running
    guards = running.guards
    guards.append(guard_of(handlers))
    doubted, running.doubted = running.doubted, False
    raised: Raised | None = None
    signal: Signal | None = None
    try:
        try:
            signal = run_block(machine, scope, body)
        except Raised as error:
            raised = error
        finally:
            guards.pop()
        if raised is None:
            if running.doubted:
                _handle_perhaps(machine, scope, handlers)
            if signal is None and otherwise:
                signal = run_block(machine, scope, otherwise)
        else:
            signal = _handle(machine, scope, raised, handlers)
    except Raised:
        running.doubted = doubted
        ended = run_block(machine, scope, finally_)
        if ended is None:
            raise
        # A ``return`` in ``finally`` drops the exception.
        return ended
    running.doubted = doubted
    return run_block(machine, scope, finally_) or signal


def _handle_perhaps(machine: Machine, scope: Scope, handlers: tuple[Node, ...]) -> None:
    """An item with an unknown key may not be there: what waits for that runs perhaps."""
    for type_, name, body in handlers:
        if not MISSING_ITEM.isdisjoint(guard_of(((type_, name, body),))):
            if name:
                bind(machine, scope, name, UNKNOWN)
            perhaps(machine, scope, (body, ()))


def guard_of(handlers: tuple[Node, ...]) -> tuple[str, ...]:
    """The names in ``except`` clauses; an empty name for a bare one."""
    names: list[str] = []
    for type_, _, _ in handlers:
        if type_ is None:
            names.append("")
        elif type_[0] == "tuple":
            names.extend(_last_name(item) for item in type_[1])
        else:
            names.append(_last_name(type_))
    return tuple(names)


def _last_name(node: Node) -> str:
    if node[0] == "n":
        return str(node[1])
    return str(node[2]) if node[0] == "a" else "?"


def _handle(machine: Machine, scope: Scope, raised: Raised, handlers: tuple[Node, ...]) -> Signal | None:
    for type_, name, body in handlers:
        handler = BaseException if type_ is None else expressions.evaluate(machine, scope, type_)
        if catches(handler, raised.value) is False:
            continue
        outer = scope.exception
        scope.exception = raised.value
        if name:
            bind(machine, scope, name, raised.value)
        try:
            signal = run_block(machine, scope, body)
        except Raised as second:
            _chain_failures(raised, second)
            raise
        finally:
            scope.exception = outer
        _note_caught(machine, raised)
        return signal
    raise raised


def _chain_failures(first: Raised, second: Raised) -> None:
    """An exception that is raised while another one is handled has the other's root cause."""
    if second.value is first.value:
        return
    failure = first.failure
    if failure is not None and (second.failure is None or second.failure.cause in (Cause.GATE, Cause.OTHER)):
        second.value.failure = failure
        names = exception_names(second.value.cls)
        failure.raised.append(f"{names[0] if names else 'Exception'}: {second.value.message}")


def _note_caught(machine: Machine, raised: Raised) -> None:
    failure = raised.failure
    if failure is not None:
        place = machine.place(machine.running.module, machine.running.line)
        machine.record(Event(machine.running.line, place, lost=failure))


def _raise(machine: Machine, scope: Scope, statement: Node) -> None:
    _, line, expression = statement
    if expression is None:
        raise Raised(_current_exception(scope) or exception(Exception, ""))
    value = expressions.evaluate(machine, scope, expression)
    raise gates.raised(machine, value, line)


def _current_exception(scope: Scope | None) -> ExceptionValue | None:
    while scope is not None:
        if scope.exception is not None:
            return scope.exception
        scope = scope.parent
    return None


def _assert(machine: Machine, scope: Scope, statement: Node) -> None:
    _, line, test, message = statement
    if expressions.truth(machine, scope, test) is False:
        text = expressions.evaluate(machine, scope, message) if message else ""
        raise gates.raised(machine, exception(AssertionError, text if isinstance(text, str) else ""), line)


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


def _with(machine: Machine, scope: Scope, statement: Node) -> Signal | None:
    _, _, items, body = statement
    context: list[Value] = []
    for expression, target in items:
        manager = expressions.evaluate(machine, scope, expression)
        context.append(manager)
        if target is not None:
            entered = manager if isinstance(manager, Instance) else UNKNOWN
            assign(machine, scope, target, entered)
    guards = machine.running.guards
    guards.append(managers.suppressed(context))
    try:
        return run_block(machine, scope, body)
    except Raised as raised:
        answer = managers.swallows(machine, context, raised)
        if answer is False:
            raise
        _note_caught(machine, raised)
        return None
    finally:
        guards.pop()


# Definitions


def _function(machine: Machine, scope: Scope, statement: Node) -> None:
    _, line, name, decorators, parameters, last_line, body = statement
    function = expressions.make_function(machine, scope, name, parameters, line, last_line, body)
    value: Value = function
    for decorator in reversed(decorators):
        value = managers.decorate(machine, scope, decorator, value)
    bind(machine, scope, name, value)


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
    bind(machine, scope, name, value)


_STATEMENTS: dict[str, Callable[[Machine, Scope, Node], Signal | None]] = {
    "import": _import,
    "from": _from,
    "assign": _assign,
    "aug": _augment,
    "declare": _declare,
    "annotations": _annotations,
    "del": _delete,
    "global": _global,
    "expr": _expression,
    "if": _if,
    "for": _for,
    "while": _while,
    "match": _match,
    "try": _try,
    "raise": _raise,
    "generator": _generator,
    "assert": _assert,
    "return": _return,
    "break": _break,
    "continue": _continue,
    "with": _with,
    "def": _function,
    "class": _class,
}
