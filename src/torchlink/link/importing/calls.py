"""Attributes of values, and calling functions and classes of the environment."""

from __future__ import annotations

from collections.abc import Sequence

from torchlink.link.importing import (
    attributes,
    containers,
    expressions,
    gates,
    intrinsics,
    lazy,
    methods,
    operations,
    operators,
    repeats,
    statements,
    version_functions,
)
from torchlink.link.importing.failures import Cause, Raised, StepsExhausted, exception
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
    Operators,
    Scope,
    Super,
    Value,
    exception_names,
    is_exception_class,
    is_text,
)
from torchlink.model.source import Block, Node

_ABSENT = object()
OPEN = "**"
"""Stands among the keywords of a call for arguments that are not known: what is not given otherwise may be."""


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
            named.update((name, item) for name, item in known.items() if is_text(name))
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
    try:
        return call(machine, function, positional, named, line)
    except Raised:
        if not operations.is_decorated(function):
            raise
        # A decorator that was not followed may postpone the call, change it or take its exceptions.
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
    if isinstance(function, Operators):
        return operators.called(machine, function)
    if isinstance(function, methods.DataMethod):
        return _data_call(machine, function, arguments, keywords)
    if isinstance(function, Function):
        return call_function(machine, function, arguments, keywords)
    if isinstance(function, Class):
        return instantiate(machine, function, arguments, keywords)
    if isinstance(function, type) and issubclass(function, BaseException):
        text = arguments[0] if arguments else ""
        return ExceptionValue(function, text if isinstance(text, str) else "", tuple(arguments))
    if isinstance(function, Instance):
        hook = attributes.find_member((function.cls,), "__call__")
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
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
        machine.raise_perhaps(exception_names(type(error)), machine.scope)
        return UNKNOWN


def _data_call(
    machine: Machine, method: methods.DataMethod, arguments: Sequence[Value], keywords: dict[str, Value]
) -> Value:
    if OPEN in keywords:
        if isinstance(method.value, dict) and method.name == "update":
            method.value[UNKNOWN] = UNKNOWN
        return UNKNOWN
    if methods.changes(method):
        machine.change(method.value)
    if not machine.certain and methods.change_perhaps(method):
        return UNKNOWN
    try:
        return methods.call_method(method, arguments, keywords)
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
        containers.leave_open(arguments)
        _leave_path_open(machine, function)
        return UNKNOWN
    if function.expression is None:
        body = body_of(machine, function)
        if not body or (body[0][0] == "generator" and not _is_followed(function)):
            is_context = function.attributes.get("__kind__") == "context"
            return ForeignObject("context", (function,)) if is_context else UNKNOWN
    scope = Scope({}, function.module, parent=function.parent, function=function)
    _bind_arguments(scope.variables, function, arguments, keywords)
    try:
        if machine.depth:
            return _within_budget(machine, scope, function)
        return repeats.follow(machine, function, arguments, lambda: _within_budget(machine, scope, function))
    except Raised:
        if not _is_followed(function):
            raise
        # A generator raises, if at all, when somebody takes an item.
        return UNKNOWN


def _leave_path_open(machine: Machine, function: Function) -> None:
    """Note that a function which is not followed may put folders on ``sys.path`` (``prepend_pythonpath(folder)``)."""
    module = function.module
    package = module.name.partition(".")[0]
    if not module.path or package in machine.path_opened_by or not machine.sources.module(module.path).edits_path:
        return
    if function.expression is None and _names_path(body_of(machine, function)):
        machine.path_opened_by.add(package)


def _names_path(node: Node) -> bool:
    if node[:3] == ("a", ("n", "sys"), "path"):
        return True
    return any(_names_path(part) for part in node if isinstance(part, tuple))


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
) -> None:
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
        return _native_call(machine, version_functions.PARSE_VERSION, arguments, keywords)
    if is_exception_class(cls):
        text = arguments[0] if arguments else ""
        return ExceptionValue(cls, text if isinstance(text, str) else "", tuple(arguments))
    instance = Instance(cls, arguments=tuple(arguments))
    if isinstance(attributes.find_member((cls,), "__new__"), Function):
        return instance if not cls.opaque else UNKNOWN
    initialiser = attributes.find_member((cls,), "__init__")
    if isinstance(initialiser, Function):
        instance.followed = True
        if call_function(machine, initialiser, [instance, *arguments], keywords) is not None:
            instance.followed = False
    return instance
