"""Expressions → values, and the uses in them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from torchlink.model.uses import (
    UNKNOWN,
    Call,
    Constant,
    Form,
    Items,
    Name,
    Parameter,
    Part,
    Table,
    Use,
    Value,
)

MAX_SIZE = 400
"""A value of more parts is not followed."""
MAX_USES = 50_000
_BUILTINS = frozenset(dir(builtins))
LAMBDA = Name("builtins.<lambda>")
_PARTIAL = Name("functools.partial")

Variables = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around the current place."""

    function: str = ""
    conditional: bool = False
    tests: frozenset[str] = frozenset()
    caught: frozenset[str] = frozenset()
    contexts: tuple[Value, ...] = ()


def size_of(*values: Value) -> int:
    """How many parts values have."""
    return 1 + sum(value.size if isinstance(value, (Items, Table, Call, Part)) else 1 for value in values)


@dataclass(slots=True)
class Expressions:
    """Evaluates expressions over variables and gathers what they use."""

    path: str
    module: str
    source: bytes
    uses: list[Use] = field(default_factory=list)
    around: Around = field(default_factory=Around)
    lines: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.source.splitlines()

    # Places

    def column(self, node: ast.expr | ast.stmt) -> int:
        """Where a node begins, counted in characters from 1."""
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else b""
        if line.isascii():
            return node.col_offset + 1
        return len(line[: node.col_offset].decode("utf-8", "replace")) + 1

    def record(self, form: Form, value: Value, node: ast.expr | ast.stmt) -> None:
        """Keep a use of something at a node."""
        if len(self.uses) >= MAX_USES:
            return
        around = self.around
        self.uses.append(
            Use(
                form=form,
                value=value,
                line=node.lineno,
                column=self.column(node),
                function=around.function,
                conditional=around.conditional,
                tests=around.tests,
                caught=around.caught,
                contexts=around.contexts,
            )
        )

    @contextmanager
    def within(self, **changes: object) -> Iterator[None]:
        """Change what stands around for a while: ``conditional``, and what is added to tests, caught and contexts."""
        before = self.around
        self.around = Around(
            function=str(changes.get("function", before.function)),
            conditional=before.conditional or bool(changes.get("conditional")),
            tests=before.tests | _texts(changes.get("tests")),
            caught=before.caught | _texts(changes.get("caught")),
            contexts=before.contexts,
        )
        try:
            yield
        finally:
            self.around = before

    # Expressions

    def value(self, node: ast.expr | None, variables: Variables) -> Value:
        """What an expression is, as far as it can be read; everything in it is recorded."""
        match node:
            case None:
                return Constant(None)
            case ast.Constant():
                return Constant(None if node.value is ... else node.value)
            case ast.Name():
                return self.named(node, variables)
            case ast.Attribute():
                return self.attribute(node, variables)
            case ast.Call():
                return self.call(node, variables)
            case ast.Subscript():
                return self.item(self.value(node.value, variables), self.value(node.slice, variables))
            case ast.List() | ast.Tuple() | ast.Set():
                return self.items([self.value(one, variables) for one in node.elts])
            case ast.Dict():
                return self.table(node, variables)
            case ast.BinOp():
                return self.operation(node, variables)
            case ast.NamedExpr():
                bound = self.value(node.value, variables)
                variables[node.target.id] = bound
                return bound
            case ast.Await():
                return self.value(node.value, variables)
            case _:
                return self.other(node, variables)

    def other(self, node: ast.expr, variables: Variables) -> Value:
        """Expressions whose value is not followed; what is in them is."""
        match node:
            case ast.BoolOp():
                self.value(node.values[0], variables)
                with self.within(conditional=True, tests=names_in(node.values[0])):
                    for one in node.values[1:]:
                        self.value(one, variables)
            case ast.IfExp():
                self.value(node.test, variables)
                with self.within(conditional=True, tests=names_in(node.test)):
                    self.value(node.body, variables)
                    self.value(node.orelse, variables)
            case ast.Lambda():
                inner = {**variables, **dict.fromkeys(_parameters(node.args), UNKNOWN)}
                self.value(node.body, inner)
                return LAMBDA
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self.comprehension(node, variables)
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child, variables)
        return UNKNOWN

    def comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, variables: Variables
    ) -> None:
        inner = dict(variables)
        for generator in node.generators:
            self.value(generator.iter, inner)
            inner.update(dict.fromkeys(target_names(generator.target), UNKNOWN))
            for condition in generator.ifs:
                self.value(condition, inner)
        if isinstance(node, ast.DictComp):
            self.value(node.key, inner)
            self.value(node.value, inner)
        else:
            self.value(node.elt, inner)

    def named(self, node: ast.Name, variables: Variables) -> Value:
        found = variables.get(node.id)
        if found is None:
            return Name(f"builtins.{node.id}") if node.id in _BUILTINS else self.global_name(node)
        if isinstance(found, Name) and "." in found.dotted and not found.dotted.startswith(f"{self.module}."):
            self.record(Form.NAME, found, node)
        return found

    def global_name(self, node: ast.Name) -> Name:
        """A name that nothing in the file binds: by ``import *`` or not at all."""
        found = Name(f"{self.module}.{node.id}")
        self.record(Form.NAME, found, node)
        return found

    def attribute(self, node: ast.Attribute, variables: Variables) -> Value:
        """An attribute; of a dotted name only the whole is recorded."""
        dotted = self.dotted(node, variables)
        if dotted is not None:
            self.record(Form.NAME, dotted, node)
            return dotted
        if isinstance(node.value, ast.Name):
            own = variables.get(f"{node.value.id}.{node.attr}")
            if own is not None:
                return own
        return self.item(self.value(node.value, variables), Constant(node.attr), attribute=True)

    def dotted(self, node: ast.expr, variables: Variables) -> Name | None:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        found = variables.get(node.id, Name(f"{self.module}.{node.id}"))
        return Name(".".join([found.dotted, *reversed(parts)])) if isinstance(found, Name) else None

    def item(self, of: Value, key: Value, *, attribute: bool = False) -> Value:
        """An item of a table or list that is known, else a part of a value."""
        if isinstance(of, Table) and not attribute:
            found = next((value for name, value in reversed(of.items) if name == key), None)
            if found is not None:
                return found
        if isinstance(of, Items) and isinstance(key, Constant) and type(key.value) is int:
            return of.values[key.value] if -len(of.values) <= key.value < len(of.values) else UNKNOWN
        if of is UNKNOWN and not attribute:
            return UNKNOWN
        size = size_of(of, key)
        return Part(of, key, attribute, size) if size <= MAX_SIZE else UNKNOWN

    def items(self, values: list[Value]) -> Value:
        size = size_of(*values)
        return Items(tuple(values), size) if size <= MAX_SIZE else UNKNOWN

    def table(self, node: ast.Dict, variables: Variables) -> Value:
        items: list[tuple[Value, Value]] = []
        is_open = False
        for key, value in zip(node.keys, node.values, strict=True):
            inner = self.value(value, variables)
            if key is not None:
                items.append((self.value(key, variables), inner))
            elif isinstance(inner, Table):
                items.extend(inner.items)
                is_open |= inner.open
            else:
                is_open = True
        size = size_of(*(part for pair in items for part in pair))
        return Table(tuple(items), is_open, size) if size <= MAX_SIZE else UNKNOWN

    def operation(self, node: ast.BinOp, variables: Variables) -> Value:
        """``+`` of texts, and ``/`` of a path."""
        left, right = self.value(node.left, variables), self.value(node.right, variables)
        match node.op, left, right:
            case ast.Add(), Constant(value=str(first)), Constant(value=str(second)):
                return Constant(first + second)
            case ast.Div(), _, _:
                return self.made(Name("pathlib.PurePath.joinpath"), (left, right), (), (), node)
        return UNKNOWN

    # Calls

    def call(self, node: ast.Call, variables: Variables) -> Value:
        callee = self.value(node.func, variables)
        positional: list[Value] = []
        keywords: list[tuple[str, Value]] = []
        rest: list[Value] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                rest.append(self.value(argument.value, variables))
            else:
                positional.append(self.value(argument, variables))
        for keyword in node.keywords:
            value = self.value(keyword.value, variables)
            if keyword.arg is not None:
                keywords.append((keyword.arg, value))
            else:
                self.unpack(value, keywords, rest)
        made = self.made(callee, tuple(positional), tuple(keywords), tuple(rest), node)
        looked_up = _looked_up(made)
        if looked_up is not None:
            self.record(Form.NAME, looked_up, node)
            return looked_up
        if isinstance(made, Call):
            self.record(Form.CALL, made, node)
        return made

    def unpack(self, value: Value, keywords: list[tuple[str, Value]], rest: list[Value]) -> None:
        """``**value`` in a call."""
        if not isinstance(value, Table):
            rest.append(value)
            return
        for key, inner in value.items:
            if isinstance(key, Constant) and isinstance(key.value, str):
                keywords.append((key.value, inner))
            else:
                rest.append(UNKNOWN)
        if value.open:
            rest.append(UNKNOWN)

    def made(
        self,
        callee: Value,
        positional: tuple[Value, ...],
        keywords: tuple[tuple[str, Value], ...],
        rest: tuple[Value, ...],
        node: ast.expr,
    ) -> Value:
        if isinstance(callee, Call) and callee.callee == _PARTIAL and callee.positional:
            positional = (*callee.positional[1:], *positional)
            given = {name for name, _ in keywords}
            keywords = (*(pair for pair in callee.keywords if pair[0] not in given), *keywords)
            rest = (*callee.rest, *rest)
            callee = callee.positional[0]
        size = size_of(callee, *positional, *rest, *(value for _, value in keywords))
        if size > MAX_SIZE:
            return UNKNOWN
        return Call(callee, positional, keywords, rest, node.lineno, self.column(node), size)


def _looked_up(made: Value) -> Name | None:
    """``getattr(np, "float_")`` is ``np.float_``; with a default it asks whether it is there."""
    match made:
        case Call(callee=Name("builtins.getattr"), positional=(Name(dotted), Constant(value=str(name)))):
            return Name(f"{dotted}.{name}")
    return None


def _texts(value: object) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return (one.arg for one in every if one is not None)


def parameter_values(arguments: ast.arguments) -> dict[str, Value]:
    """A function's parameters as its body sees them."""
    values: dict[str, Value] = {name: Parameter(name) for name in _parameters(arguments)}
    if arguments.vararg is not None:
        values[arguments.vararg.arg] = Parameter(arguments.vararg.arg, stars=1)
    if arguments.kwarg is not None:
        values[arguments.kwarg.arg] = Parameter(arguments.kwarg.arg, stars=2)
    return values


def target_names(target: ast.AST) -> Iterable[str]:
    """The variables that an assignment to this target binds."""
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def names_in(node: ast.AST) -> frozenset[str]:
    """The last names of everything that an expression reads."""
    found = {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
    return frozenset(found | {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)})
