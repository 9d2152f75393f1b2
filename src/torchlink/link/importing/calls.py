"""Attributes of values, and calling functions and classes of the environment."""

from __future__ import annotations

from collections.abc import Sequence

from torchlink.link.importing import expressions, gates, intrinsics, lazy, modules, operations, statements
from torchlink.link.importing.failures import Cause, Failure, Raised, StepsExhausted, catches, exception
from torchlink.link.importing.machine import MAX_CALL_DEPTH, MAX_CALL_STEPS, Machine
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
    Scope,
    Super,
    Value,
    ancestors,
    exception_names,
    is_exception_class,
)
from torchlink.model.source import Block, Node, Presence

_ABSENT = object()
OPEN = "**"
"""Stands among the keywords of a call for arguments that are not known: what is not given otherwise may be."""


# Attributes


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
        return _operator(machine, owner, name, line)
    if isinstance(owner, operations.Globals):
        return intrinsics.globals_method(owner, name)
    if isinstance(owner, Super):
        member = find_member(tuple(base for base in owner.cls.bases), name)
        return Method(member, owner.self) if isinstance(member, Function) else UNKNOWN
    if isinstance(owner, Function):
        return _function_attribute(owner, name)
    if isinstance(owner, ExceptionValue):
        return _exception_attribute(owner, name)
    known = operations.data_attribute(owner, name)
    if known is not None or name in ("pre", "post", "dev", "local"):
        return known
    return intrinsics.path_attribute(owner, name)


def foreign(machine: Machine, name: str) -> Value:
    constant = intrinsics.system_constant(machine, name)
    return intrinsics.foreign(name) if constant is None else constant


def has_attribute(machine: Machine, owner: Value, name: str) -> Value:
    """``hasattr(owner, name)``: ``True``, ``False`` or ``UNKNOWN``."""
    if isinstance(owner, Module):
        try:
            there, value = modules.get_name(machine, owner, name)
        except Raised:
            return UNKNOWN
        if there:
            return True if name in owner.namespace or (value is not UNKNOWN and not owner.stdlib) else UNKNOWN
        return UNKNOWN if _is_submodule(machine, owner, name) else False
    if isinstance(owner, Operators):
        return _lives(machine, f"{owner.name}::{name}")
    if isinstance(owner, Instance):
        return _instance_has(machine, owner, name)
    return UNKNOWN


def _instance_has(machine: Machine, owner: Instance, name: str) -> Value:
    if name in owner.attributes:
        return True
    if not owner.followed or not machine.certain or name.startswith("__") or not _is_plain(owner.cls):
        return UNKNOWN
    return find_member((owner.cls,), name) is not None


def _is_plain(cls: Class, depth: int = 0) -> bool:
    """Whether all that a class gives its instances is known."""
    if cls.opaque or cls.metaclass is not None or "__getattr__" in cls.namespace or depth > 30:
        return False
    if "__new__" in cls.namespace or "__slots__" in cls.namespace:
        return False
    return all(isinstance(base, Class) and _is_plain(base, depth + 1) for base in cls.bases)


def _is_submodule(machine: Machine, owner: Module, name: str) -> bool:
    return bool(owner.search) and machine.finder.within(name, modules.search_of(machine, owner)) is not None


def _module_attribute(machine: Machine, owner: Module, name: str, line: int) -> Value:
    if name == "__dict__" and not owner.stdlib:
        return operations.Globals(owner)
    machine.references += 1
    there, value = modules.get_name(machine, owner, name)
    if there:
        if value is UNKNOWN and owner.stdlib:
            return foreign(machine, f"{owner.name}.{name}")
        return foreign(machine, value.name) if isinstance(value, Foreign) else value
    if _is_submodule(machine, owner, name):
        # Somebody has to import it first. That somebody may stand in code that was not followed.
        full = f"{owner.name}.{name}"
        return machine.module_values.get(full, machine.modules.get(full, UNKNOWN))
    raise modules.missing_name(machine, owner, name, line, imported=False)


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
            return call(machine, member, [owner], {})
        return member if kind == "static" else Method(member, owner.cls if kind == "class" else owner)
    if member is not None:
        return member
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
        submodule = modules.submodule(machine, module, name, line)
        if submodule is not None:
            return submodule
        raise modules.missing_name(machine, module, name, line, imported=True) from None


def call_hook(machine: Machine, hook: Value, name: str) -> Value:
    """Call a ``__getattr__``: who calls it waits for its ``AttributeError``."""
    guards = machine.running.guards
    guards.append(("AttributeError",))
    try:
        return call(machine, hook, [name], {})
    finally:
        guards.pop()


def _without_attribute(machine: Machine, owner: Instance, name: str, line: int, raised: Raised) -> Value:
    """An instance's ``__getattr__`` knows no such name. Only what stands for a module certainly has none."""
    if machine.expects(("AttributeError",)):
        raise raised
    stands_for = owner.attributes.get("__name__")
    module = machine.modules.get(stands_for) if isinstance(stands_for, str) else None
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


def _class_attribute(machine: Machine, owner: Class, name: str) -> Value:
    if name in ("__name__", "__qualname__"):
        return owner.name
    member = find_member((owner,), name)
    if isinstance(member, Function) and member.attributes.get("__kind__") == "class":
        return Method(member, owner)
    if member is not None and not name.startswith("_"):
        return member
    hook = find_member((owner.metaclass,), "__getattribute__") or find_member((owner.metaclass,), "__getattr__")
    if isinstance(hook, Function) and not name.startswith("_"):
        return call(machine, Method(hook, owner), [name], {})
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


def _operator(machine: Machine, owner: Operators, name: str, line: int) -> Value:
    """``torch.ops.torchvision.nms``: an operator that only a native library can have registered."""
    if not owner.name:
        if name == "load_library":
            return intrinsics.LOAD_LIBRARY
        return Operators(name)
    if "::" in owner.name:
        return UNKNOWN
    dead = is_dead(machine, f"{owner.name}::{name}")
    if dead is not None:
        raise dead_operator(machine, f"{owner.name}::{name}", dead)
    return Operators(f"{owner.name}::{name}")


def _lives(machine: Machine, operator: str) -> Value:
    return UNKNOWN if is_dead(machine, operator) is None else False


def is_dead(machine: Machine, operator: str) -> Failure | None:
    """Why an operator does not exist: the library that names it did not load, and no other of its package names it."""
    namespace, _, name = operator.partition("::")
    name = name.partition(".")[0]
    if not machine.defined_operators.isdisjoint((namespace, f"{namespace}::{name}")):
        return None
    if any(_names(machine, path, name) for path in machine.live_libraries.get(namespace, ())):
        return None
    dead = machine.dead_libraries.get(namespace, ())
    return next((failure for failure in dead if _names(machine, failure.path, name)), None)


def _names(machine: Machine, library: str, name: str) -> bool:
    return machine.sources.name_in_binary(library, name) is not Presence.ABSENT


def dead_operator(machine: Machine, operator: str, dead: Failure) -> Raised:
    """The exception for an operator whose library did not load."""
    message = f"operator {operator} does not exist"
    failure = Failure(
        cause=dead.cause,
        module=dead.module,
        path=dead.path,
        line=dead.line,
        chain=machine.chain(),
        broken=dead.broken,
        message=dead.message,
        raised=[f"RuntimeError: {message}"],
    )
    return Raised(exception(RuntimeError, message, failure))


# Calls


def evaluate_call(machine: Machine, scope: Scope, node: Node) -> Value:
    """A call expression: the arguments are evaluated whatever the function is."""
    _, callee, arguments, keywords, line = node
    if callee == ("n", "super") and not arguments:
        return _super(scope)
    function = expressions.evaluate(machine, scope, callee)
    positional = expressions.items(machine, scope, arguments)
    if callee == ("n", "super") and len(positional) == 2 and isinstance(positional[0], Class):
        return Super(positional[0], positional[1])
    named: dict[str, Value] = {}
    opened = UNKNOWN in positional and any(argument[0] == "*" for argument in arguments)
    for key, value in keywords:
        known = expressions.evaluate(machine, scope, value)
        if key is not None:
            named[key] = known
        elif isinstance(known, dict):
            named.update((name, item) for name, item in known.items() if isinstance(name, str))
            opened = opened or UNKNOWN in known
        else:
            opened = True
    if opened:
        named[OPEN] = UNKNOWN
    if callee in (("n", "globals"), ("n", "locals"), ("n", "vars")) and not positional:
        return operations.Globals(scope.module) if scope.function is None or callee[1] == "globals" else UNKNOWN
    machine.scope = scope
    if callee[0] == "a" and callee[2] in intrinsics.WARNING_METHODS:
        _note_warning(machine, callee[2], positional, line)
    if isinstance(function, Function) and function.decorated:
        return _perhaps_call(machine, function, positional, named)
    return call(machine, function, positional, named, line)


def _perhaps_call(
    machine: Machine, function: Function, arguments: Sequence[Value], keywords: dict[str, Value]
) -> Value:
    """Call a function whose decorator was not followed: it may postpone the call, change it or take its exceptions."""
    try:
        return call_function(machine, function, arguments, keywords)
    except Raised:
        return UNKNOWN


def _note_warning(machine: Machine, name: str, arguments: list[Value], line: int) -> None:
    texts = [argument for argument in arguments[:1] if isinstance(argument, str)]
    if texts:
        gates.warned(machine, texts[0], line)


def _super(scope: Scope) -> Value:
    function = scope.function
    if function is None or not function.parameters[0]:
        return UNKNOWN
    self = scope.variables.get(function.parameters[0][0], UNKNOWN)
    holder = function.parent
    cell = holder.variables.get("__class_cell__") if holder is not None and holder.is_class else None
    return Super(cell, self) if isinstance(cell, Class) else UNKNOWN


def call(
    machine: Machine, function: Value, arguments: Sequence[Value], keywords: dict[str, Value], line: int = 0
) -> Value:
    """Call a value. What cannot be called, or takes too long, is ``UNKNOWN``."""
    if isinstance(function, Method):
        return call(machine, function.function, [function.self, *arguments], keywords, line)
    if isinstance(function, Intrinsic):
        return _native_call(machine, function, arguments, keywords)
    if isinstance(function, Foreign):
        return intrinsics.call_foreign(machine, function, arguments, keywords)
    if isinstance(function, operations.DataMethod):
        return _data_call(machine, function, arguments, keywords)
    if isinstance(function, Function):
        return call_function(machine, function, arguments, keywords)
    if isinstance(function, Class):
        return instantiate(machine, function, arguments, keywords)
    if isinstance(function, type) and issubclass(function, BaseException):
        text = arguments[0] if arguments else ""
        return ExceptionValue(function, text if isinstance(text, str) else "", tuple(arguments))
    if isinstance(function, Instance):
        hook = find_member((function.cls,), "__call__")
        if isinstance(hook, Function):
            return call_function(machine, hook, [function, *arguments], keywords)
    return UNKNOWN


def _native_call(
    machine: Machine, function: Intrinsic, arguments: Sequence[Value], keywords: dict[str, Value]
) -> Value:
    if OPEN in keywords and function.name in ("builtins.dict", "collections.OrderedDict"):
        return UNKNOWN
    try:
        return function.call(machine, arguments, keywords)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError):
        return UNKNOWN


def _data_call(
    machine: Machine, method: operations.DataMethod, arguments: Sequence[Value], keywords: dict[str, Value]
) -> Value:
    if OPEN in keywords:
        if isinstance(method.value, dict) and method.name == "update":
            method.value[UNKNOWN] = UNKNOWN
        return UNKNOWN
    try:
        return operations.call_method(method, arguments, keywords)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        if machine.certain and machine.expects((type(error).__name__, "LookupError")):
            raise Raised(exception(type(error), str(error)), soft=True) from None
        return UNKNOWN


def call_function(
    machine: Machine, function: Function, arguments: Sequence[Value], keywords: dict[str, Value]
) -> Value:
    """Run a function's body with these arguments, within the budget of the outermost call."""
    modelled = intrinsics.MODELLED.get(function.qualified_name) or lazy.BY_LAST_NAME.get(function.last_name)
    if modelled is not None:
        return _native_call(machine, modelled, arguments, keywords)
    machine.step()
    if machine.perhaps or machine.depth >= MAX_CALL_DEPTH or machine.exhausted:
        if arguments and isinstance(arguments[0], Instance):
            arguments[0].followed = False
        return UNKNOWN
    if function.expression is None:
        body = body_of(machine, function)
        if not body or (body[0][0] == "generator" and not _is_followed(function)):
            is_context = function.attributes.get("__kind__") == "context"
            return ForeignObject("context", (function,)) if is_context else UNKNOWN
    scope = Scope({}, function.module, parent=function.parent, function=function)
    if not _bind_arguments(scope.variables, function, arguments, keywords):
        return UNKNOWN
    try:
        return _within_budget(machine, scope, function)
    except Raised:
        if not _is_followed(function):
            raise
        # A generator raises, if at all, when somebody takes an item.
        return UNKNOWN


def _within_budget(machine: Machine, scope: Scope, function: Function) -> Value:
    outermost = machine.depth == 0
    if outermost:
        machine.steps_left = MAX_CALL_STEPS
    perhaps = machine.perhaps
    machine.depth += 1
    try:
        return _run(machine, scope, function)
    except StepsExhausted:
        if not outermost:
            raise
        return UNKNOWN
    except Raised as raised:
        if not outermost or not is_doubtful(machine, raised):
            raise
        return UNKNOWN
    finally:
        machine.depth -= 1
        machine.perhaps = perhaps


def is_doubtful(machine: Machine, raised: Raised) -> bool:
    """An exception without a reference behind it, which nobody waits for: more likely our error than the source's."""
    if raised.failure is not None and raised.failure.cause is not Cause.OTHER:
        return False
    names = exception_names(raised.value.cls)
    if machine.expects((*names, "")):
        return False
    # A package may try whether another one can be imported; no other exception is waited for across modules.
    return not machine.guarded_against({"ImportError", "ModuleNotFoundError"}.intersection(names))


def _run(machine: Machine, scope: Scope, function: Function) -> Value:
    running = machine.running
    outer_module, outer_line = running.module, running.line
    running.module = function.module
    try:
        if function.expression is not None:
            return expressions.evaluate(machine, scope, function.expression)
        statements.run_function(machine, scope, function.body or ())
    finally:
        running.module, running.line = outer_module, outer_line
    if function.body and function.body[0][0] == "generator":
        return UNKNOWN if scope.yielded is None or scope.perhaps_returned else scope.yielded
    return UNKNOWN if scope.perhaps_returned else scope.result


def _is_followed(function: Function) -> bool:
    """Whether a generator is run: its items are then known as a list. Not for coroutines and context managers."""
    if function.attributes.get("__kind__") is not None or not function.body:
        return False
    return bool(function.body[0][0] == "generator" and function.body[0][2] == "plain")


def body_of(machine: Machine, function: Function) -> Block:
    """A function's body; read when it is first asked for."""
    if function.body is None:
        function.body = machine.sources.function(function.module.path, function.first_line, function.last_line)
    return function.body


def _bind_arguments(
    variables: dict[str, Value], function: Function, arguments: Sequence[Value], keywords: dict[str, Value]
) -> bool:
    positional, defaults, rest, keyword_only, _, other = function.parameters
    spread = UNKNOWN in arguments and len(arguments) > len(positional)
    given = list(arguments[: len(positional)])
    variables.update(zip(positional, given, strict=False))
    left = dict(keywords)
    opened = left.pop(OPEN, None) is UNKNOWN
    for index, name in enumerate(positional[len(given) :], start=len(given)):
        from_end = index - (len(positional) - len(defaults))
        if name in left:
            variables[name] = left.pop(name)
        else:
            variables[name] = UNKNOWN if opened else defaults_at(function, from_end)
    for index, name in enumerate(keyword_only):
        default = UNKNOWN if opened else function.keyword_defaults[index]
        variables[name] = left.pop(name) if name in left else default
    if rest:
        variables[rest] = UNKNOWN if spread else tuple(arguments[len(positional) :])
    if other:
        rest_of: dict[Value, Value] = dict(left.items())
        if opened:
            rest_of[UNKNOWN] = UNKNOWN
        variables[other] = rest_of
    return True


def defaults_at(function: Function, index: int) -> Value:
    """The default of a positional parameter, counted from the first that has one; ``UNKNOWN`` where it has none."""
    return function.defaults[index] if 0 <= index < len(function.defaults) else UNKNOWN


def instantiate(machine: Machine, cls: Class, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
    """Make an instance of a class of the environment, running its ``__init__``."""
    modelled = intrinsics.MODELLED.get(cls.qualified_name)
    if modelled is not None:
        return _native_call(machine, modelled, arguments, keywords)
    if "is_prerelease" in cls.namespace and cls.name == "Version":
        # One of the many copies of packaging.version that packages carry.
        return _native_call(machine, intrinsics.PARSE_VERSION, arguments, keywords)
    if is_exception_class(cls):
        text = arguments[0] if arguments else ""
        return ExceptionValue(cls, text if isinstance(text, str) else "", tuple(arguments))
    instance = Instance(cls, arguments=tuple(arguments))
    if isinstance(find_member((cls,), "__new__"), Function):
        return instance if not cls.opaque else UNKNOWN
    initialiser = find_member((cls,), "__init__")
    if isinstance(initialiser, Function):
        instance.followed = True
        if call_function(machine, initialiser, [instance, *arguments], keywords) is not None:
            instance.followed = False
    return instance


# Decorators and context managers


def decorate(machine: Machine, scope: Scope, decorator: Node, value: Value) -> Value:
    """The value of a decorated function or class. Where the decorator's answer is unknown, what it was given."""
    known = expressions.evaluate(machine, scope, decorator)
    if isinstance(known, Foreign):
        kind = intrinsics.DECORATORS.get(known.name)
        if kind and isinstance(value, Function):
            value.attributes["__kind__"] = kind
        return value
    if isinstance(known, Intrinsic) or (isinstance(known, Function) and not known.decorated):
        answer = call(machine, known, [value], {})
        if answer is not UNKNOWN and answer is not None:
            return answer
    if isinstance(value, Function):
        value.decorated = True
    elif isinstance(value, Class):
        value.opaque = True
    return value


def suppressed(managers: Sequence[Value]) -> tuple[str, ...]:
    """The exceptions that ``with`` swallows, by name, as a guard; an unknown manager may swallow all."""
    names: list[str] = []
    for manager in managers:
        if isinstance(manager, ForeignObject) and manager.kind == "suppress":
            names.extend(name for cls in manager.data for name in exception_names(cls)[:1])
        elif isinstance(manager, ForeignObject) and manager.kind == "context":
            names.extend(_swallowed(manager))
    return tuple(names)


def _swallowed(manager: ForeignObject) -> list[str]:
    """The exceptions that the ``except`` clauses of a context manager's generator take for good, by name."""
    (function,) = manager.data
    pending = list(function.body or ()) if isinstance(function, Function) else []
    names: list[str] = []
    for statement in pending:
        if statement[0] == "try":
            kept = tuple(handler for handler in statement[3] if not any(one[0] == "raise" for one in handler[2]))
            names.extend(statements.guard_of(kept))
            pending.extend(statement[2])
        elif statement[0] in ("with", "if"):
            pending.extend(statement[3])
    return names


def swallows(machine: Machine, managers: Sequence[Value], raised: Raised) -> bool:
    """Whether ``with`` ends an exception, as far as can be told; an unknown ``__exit__`` may, so it does."""
    for manager in managers:
        if isinstance(manager, ForeignObject) and manager.kind == "suppress":
            if catches(tuple(manager.data), raised.value) is not False:
                return True
        elif isinstance(manager, ForeignObject) and manager.kind == "context":
            if {"", *exception_names(raised.value.cls)}.intersection(_swallowed(manager)):
                return True
        elif isinstance(manager, Instance):
            leave = find_member((manager.cls,), "__exit__")
            if isinstance(leave, Function):
                answer = call(machine, Method(leave, manager), [UNKNOWN, UNKNOWN, UNKNOWN], {})
                if answer is UNKNOWN or operations.truth_of(answer) is True:
                    return True
    return False
