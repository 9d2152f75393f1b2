"""What each expression is worth."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator

from torchlink.link.importing import attributes, binding, calls, containers, intrinsics, operations
from torchlink.link.importing.failures import Raised, exception
from torchlink.link.importing.machine import Machine
from torchlink.link.importing.texts import PartlyKnown
from torchlink.link.importing.values import (
    UNKNOWN,
    ExceptionValue,
    Foreign,
    Function,
    Instance,
    Scope,
    Value,
    is_known,
    is_text,
)
from torchlink.model.source import Block, Node

MAX_COMPREHENSION = 2_000


def evaluate(machine: Machine, scope: Scope, node: Node) -> Value:
    """The value of an expression. Raises Raised where Python would raise for certain."""
    return _EXPRESSIONS[node[0]](machine, scope, node)


def truth(machine: Machine, scope: Scope, node: Node) -> Value:
    """The truth of an expression: ``True``, ``False`` or ``UNKNOWN``."""
    return truth_of(machine, evaluate(machine, scope, node))


def truth_of(machine: Machine, value: Value) -> Value:
    """``bool(value)``, asking the version in it whose it is."""
    if isinstance(value, Instance):
        hook = attributes.find_member((value.cls,), "__bool__")
        if isinstance(hook, Function):
            answer = calls.call(machine, hook, [value], {})
            return answer if isinstance(answer, bool) else UNKNOWN
    return operations.truth_of(value)


def _constant(machine: Machine, scope: Scope, node: Node) -> Value:
    return node[1]


def _name(machine: Machine, scope: Scope, node: Node) -> Value:
    name = node[1]
    value = lookup(scope, name)
    if value is not _ABSENT:
        if name in scope.module.origins:
            machine.consult(*scope.module.origins[name])
        return value
    if name in intrinsics.BUILTINS:
        return intrinsics.BUILTINS[name]
    known = getattr(builtins, name, None)
    if isinstance(known, type) and issubclass(known, BaseException):
        return known
    if known is not None or not machine.expects(("NameError",)):
        return Foreign(f"builtins.{name}") if known is not None else UNKNOWN
    raise Raised(exception(NameError, f"name {name!r} is not defined"), soft=True)


_ABSENT = object()


def lookup(scope: Scope, name: str) -> Value:
    """A variable as the scope sees it; ``_ABSENT`` where it is not bound (or only by code that was not followed)."""
    if name in scope.variables and name not in scope.globals:
        return scope.variables[name]
    parent = scope.parent
    while parent is not None:
        if not parent.is_class and name in parent.variables:
            return parent.variables[name]
        parent = parent.parent
    return scope.module.namespace.get(name, _ABSENT)


def _attribute(machine: Machine, scope: Scope, node: Node) -> Value:
    owner = evaluate(machine, scope, node[1])
    if owner is UNKNOWN:
        return UNKNOWN
    return attributes.get_attribute(machine, owner, node[2], node[3])


def _call(machine: Machine, scope: Scope, node: Node) -> Value:
    return calls.evaluate_call(machine, scope, node)


def _starred(machine: Machine, scope: Scope, node: Node) -> Value:
    evaluate(machine, scope, node[1])
    return UNKNOWN


def items(machine: Machine, scope: Scope, nodes: tuple[Node, ...]) -> list[Value]:
    """The values of a display's items, stars spread; a star of something unknown is one ``UNKNOWN``."""
    result: list[Value] = []
    for node in nodes:
        if node[0] == "*":
            spread = containers.items_of(evaluate(machine, scope, node[1]))
            result.extend([UNKNOWN] if spread is None else spread)
        else:
            result.append(evaluate(machine, scope, node))
    return result


def _tuple(machine: Machine, scope: Scope, node: Node) -> Value:
    return tuple(items(machine, scope, node[1]))


def _list(machine: Machine, scope: Scope, node: Node) -> Value:
    return items(machine, scope, node[1])


def _set(machine: Machine, scope: Scope, node: Node) -> Value:
    try:
        return set(items(machine, scope, node[1]))
    except TypeError:
        return UNKNOWN


def _dict(machine: Machine, scope: Scope, node: Node) -> Value:
    result: dict[Value, Value] = {}
    for key, value in node[1]:
        if key is None:
            containers.extend(result, evaluate(machine, scope, value))
        else:
            containers.set_item(result, evaluate(machine, scope, key), evaluate(machine, scope, value), certain=True)
    return result


def _subscript(machine: Machine, scope: Scope, node: Node) -> Value:
    container = evaluate(machine, scope, node[1])
    key = evaluate(machine, scope, node[2])
    if key is UNKNOWN:
        machine.running.doubted = True
    if container == Foreign("sys.modules"):
        return _loaded_module(machine, key)
    if isinstance(container, operations.Globals):
        return container.module.namespace.get(key, UNKNOWN) if is_text(key) else UNKNOWN
    if container == Foreign("os.environ"):
        return _variable(machine, key)
    there, value = containers.subscript(container, key)
    if there:
        return value
    kind = KeyError if isinstance(container, dict) else IndexError
    if machine.expects((kind.__name__, "LookupError")):
        raise Raised(exception(kind, repr(key)), soft=True)
    return UNKNOWN


def _variable(machine: Machine, key: Value) -> Value:
    if not is_text(key):
        return UNKNOWN
    machine.consulted_variables.add(key)
    if key in machine.variables:
        return machine.variables[key]
    if machine.expects(("KeyError",)):
        raise Raised(exception(KeyError, repr(key)), soft=True)
    return UNKNOWN


def _loaded_module(machine: Machine, key: Value) -> Value:
    if not is_text(key):
        return UNKNOWN
    if key in machine.modules:
        return machine.module_values.get(key, machine.modules[key])
    return UNKNOWN


def _slice(machine: Machine, scope: Scope, node: Node) -> Value:
    parts = [evaluate(machine, scope, part) for part in node[1:]]
    if all(part is None or isinstance(part, int) for part in parts):
        return slice(*parts)
    return UNKNOWN


def _binary(machine: Machine, scope: Scope, node: Node) -> Value:
    left = evaluate(machine, scope, node[2])
    right = evaluate(machine, scope, node[3])
    return operations.binary(machine, node[1], left, right)


def _unary(machine: Machine, scope: Scope, node: Node) -> Value:
    value = evaluate(machine, scope, node[2])
    if node[1] == "Not":
        known = truth_of(machine, value)
        return UNKNOWN if known is UNKNOWN else not known
    return operations.unary(node[1], value)


def _and(machine: Machine, scope: Scope, node: Node) -> Value:
    return _boolean(machine, scope, node[1], stop=False)


def _or(machine: Machine, scope: Scope, node: Node) -> Value:
    return _boolean(machine, scope, node[1], stop=True)


def _boolean(machine: Machine, scope: Scope, nodes: tuple[Node, ...], *, stop: bool) -> Value:
    unknown = False
    value: Value = UNKNOWN
    try:
        for node in nodes:
            value = evaluate(machine, scope, node)
            known = truth_of(machine, value)
            if known is UNKNOWN:
                if not unknown:
                    machine.perhaps += 1
                unknown = True
            elif known is stop:
                # ``unknown and False`` is false whatever the unknown is.
                return value if not unknown or isinstance(value, bool) else UNKNOWN
    except Raised:
        if not unknown:
            raise
        return UNKNOWN
    finally:
        if unknown:
            machine.perhaps -= 1
    return UNKNOWN if unknown else value


def _compare(machine: Machine, scope: Scope, node: Node) -> Value:
    left = evaluate(machine, scope, node[1])
    result: Value = True
    for name, operand in zip(node[2], node[3], strict=True):
        right = evaluate(machine, scope, operand)
        answer = operations.compare(machine, name, left, right)
        if answer is False:
            return False
        if answer is UNKNOWN:
            result = UNKNOWN
        left = right
    return result


def _conditional(machine: Machine, scope: Scope, node: Node) -> Value:
    test = truth(machine, scope, node[1])
    if test is not UNKNOWN:
        return evaluate(machine, scope, node[2] if test else node[3])
    machine.perhaps += 1
    try:
        values = [evaluate(machine, scope, branch) for branch in node[2:]]
    except Raised:
        return UNKNOWN
    finally:
        machine.perhaps -= 1
    return values[0] if values[0] is values[1] else UNKNOWN


def _joined(machine: Machine, scope: Scope, node: Node) -> Value:
    parts: list[str] = []
    known = True
    for part in node[1]:
        value = evaluate(machine, scope, part)
        if isinstance(value, str):
            parts.append(value)
            known = known and not isinstance(value, PartlyKnown)
        else:
            known = False
            parts.append("…")
    text = "".join(parts)
    return text if known else PartlyKnown(text)


def _formatted(machine: Machine, scope: Scope, node: Node) -> Value:
    value = evaluate(machine, scope, node[1])
    if isinstance(value, ExceptionValue):
        return value.message
    if node[2] and is_known(value) and isinstance(value, operations.Data):
        try:
            text = str(value)
        except ValueError:
            # Python does not write numbers of many thousand digits.
            return UNKNOWN
        return text if len(text) < 500 else UNKNOWN
    return UNKNOWN


def _lambda(machine: Machine, scope: Scope, node: Node) -> Value:
    function = make_function(machine, scope, "<lambda>", node[1], 0, 0, ())
    function.expression = node[2]
    return function


def make_function(
    machine: Machine, scope: Scope, name: str, parameters: Node, first: int, last: int, body: Block | None
) -> Function:
    """A function as its ``def`` makes it: defaults are evaluated now, the body is not looked at."""
    defaults: tuple[Value, ...] = ()
    if parameters[1]:
        defaults = tuple([evaluate(machine, scope, default) for default in parameters[1]])
    keywords: tuple[Value, ...] = ()
    if parameters[4]:
        keywords = tuple([None if one is None else evaluate(machine, scope, one) for one in parameters[4]])
    parent = None if scope.variables is scope.module.namespace else scope
    return Function(name, scope.module, parameters, defaults, keywords, first, last, parent, body)


def _walrus(machine: Machine, scope: Scope, node: Node) -> Value:
    value = evaluate(machine, scope, node[2])
    while scope.is_comprehension and scope.parent is not None:
        scope = scope.parent
    binding.bind(machine, scope, node[1], value)
    return value


def _comprehension(machine: Machine, scope: Scope, node: Node) -> Value:
    _, kind, element, value, generators = node
    inner = Scope({}, scope.module, scope, is_comprehension=True, function=scope.function, exception=scope.exception)
    rows: list[tuple[Value, Value]] = []
    complete = True
    # The first iterable alone is evaluated where the comprehension stands: in a class, its names are seen.
    first = evaluate(machine, scope, generators[0][1])
    for known in _rows(machine, inner, generators, first):
        if not known:
            complete = False
        machine.perhaps += not known
        try:
            key = evaluate(machine, inner, element)
            rows.append((key, evaluate(machine, inner, value) if kind == "dict" else UNKNOWN))
        except Raised:
            if kind == "gen":
                # It is raised, if at all, when somebody takes an item.
                return UNKNOWN
            if known:
                raise
        finally:
            machine.perhaps -= not known
        if len(rows) > MAX_COMPREHENSION:
            return UNKNOWN
    if not complete:
        return UNKNOWN
    try:
        if kind == "dict":
            return dict(rows)
        keys = [key for key, _ in rows]
        return set(keys) if kind == "set" else keys
    except TypeError:
        return UNKNOWN


def _rows(machine: Machine, scope: Scope, generators: tuple[Node, ...], first: Value = None) -> Iterator[bool]:
    """Bind the targets for each round; yields whether the round is certain."""
    if not generators:
        yield True
        return
    target, iterable, conditions = generators[0]
    known = containers.items_of(evaluate(machine, scope, iterable) if first is None else first)
    rounds: list[Value] = [UNKNOWN] if known is None or UNKNOWN in known else known
    for item in rounds[: MAX_COMPREHENSION + 1]:
        machine.step()
        if machine.exhausted:
            yield False
            return
        binding.assign(machine, scope, target, item)
        certain = known is not None and item is not UNKNOWN
        answers = [truth(machine, scope, condition) for condition in conditions]
        if False in answers:
            continue
        for inner in _rows(machine, scope, generators[1:]):
            yield certain and inner and UNKNOWN not in answers


def _other(machine: Machine, scope: Scope, node: Node) -> Value:
    for child in node[1]:
        evaluate(machine, scope, child)
    return UNKNOWN


def _yield(machine: Machine, scope: Scope, node: Node) -> Value:
    values = [evaluate(machine, scope, child) for child in node[1]]
    _give(scope, [values[0] if values else None], machine)
    return UNKNOWN


def _yield_from(machine: Machine, scope: Scope, node: Node) -> Value:
    _give(scope, containers.items_of(evaluate(machine, scope, node[1])), machine)
    return UNKNOWN


def _give(scope: Scope, items: list[Value] | None, machine: Machine) -> None:
    """Add to what the running generator yields."""
    if scope.yielded is None:
        return
    if items is None or machine.perhaps or len(scope.yielded) + len(items) > MAX_COMPREHENSION:
        scope.yielded = None
    else:
        scope.yielded.extend(items)


_EXPRESSIONS: dict[str, Callable[[Machine, Scope, Node], Value]] = {
    "c": _constant,
    "n": _name,
    "a": _attribute,
    "call": _call,
    "*": _starred,
    "tuple": _tuple,
    "list": _list,
    "set": _set,
    "dict": _dict,
    "sub": _subscript,
    "slice": _slice,
    "bin": _binary,
    "un": _unary,
    "and": _and,
    "or": _or,
    "cmp": _compare,
    "ifexp": _conditional,
    "fstr": _joined,
    "format": _formatted,
    "lambda": _lambda,
    ":=": _walrus,
    "comp": _comprehension,
    "?": _other,
    "yield": _yield,
    "yield from": _yield_from,
}
