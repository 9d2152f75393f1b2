"""``ast`` nodes → the plain tuples of ``model/source.py``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping

from torchlink.model.source import Block, Node

UNKNOWN: Node = ("?", ())
_DROPPED = (ast.Pass,)


class _Converter:
    """Converts statements; holds what differs between a module and the body of one function."""

    def __init__(self, offset: int, last_lines: Mapping[int, int], inline: bool, annotations: bool = False) -> None:
        self.offset = offset
        self.annotations = annotations
        self.read: set[str] = set()
        self.last_lines = last_lines
        self.inline = inline
        self.yields = False

    def block(self, statements: Iterable[ast.stmt]) -> Block:
        result: list[Node] = []
        outer, self.read = self.read, set()
        for statement in statements:
            convert = _STATEMENTS.get(type(statement))
            if convert is None:
                continue
            if self.annotations and isinstance(statement, _ANNOTATED):
                result.extend(self.annotations_of(statement))
            if isinstance(statement, _GENERIC):
                result.extend(self.type_parameters(statement))
            node = convert(self, statement)
            if node is not None:
                result.append(node)
        self.read = outer
        return tuple(result)

    def type_parameters(self, statement: ast.stmt) -> Iterable[Node]:
        """The names of a generic class's or function's types (PEP 695), as if they stood before it."""
        for parameter in getattr(statement, "type_params", ()):
            yield ("assign", self.line(statement), (("n", parameter.name),), UNKNOWN)

    def annotations_of(self, statement: ast.stmt) -> Iterable[Node]:
        """The dotted names that a statement's annotations read, each once in a block."""
        found: list[Node] = []
        for annotation in _annotations(statement):
            for attribute in _attributes(annotation):
                name = _dotted(attribute)
                if name and name not in self.read:
                    self.read.add(name)
                    found.append(self.expression(attribute))
        return [("annotations", self.line(statement), tuple(found))] if found else []

    def line(self, node: ast.stmt | ast.expr) -> int:
        return node.lineno + self.offset

    # Statements

    def import_(self, node: ast.Import) -> Node:
        return ("import", self.line(node), tuple((alias.name, alias.asname) for alias in node.names))

    def import_from(self, node: ast.ImportFrom) -> Node:
        names = tuple((alias.name, alias.asname) for alias in node.names)
        return ("from", self.line(node), node.module or "", node.level, names)

    def expression_statement(self, node: ast.Expr) -> Node | None:
        if isinstance(node.value, ast.Constant):
            return None
        return ("expr", self.line(node), self.expression(node.value))

    def assign(self, node: ast.Assign) -> Node:
        targets = tuple(self.expression(target) for target in node.targets)
        return ("assign", self.line(node), targets, self.expression(node.value))

    def annotated(self, node: ast.AnnAssign) -> Node | None:
        if node.value is None:
            if isinstance(node.target, ast.Name):
                return ("declare", self.line(node), node.target.id)
            return None
        return ("assign", self.line(node), (self.expression(node.target),), self.expression(node.value))

    def type_alias(self, node: ast.stmt) -> Node:
        """``type X = ...`` (Python 3.12): evaluated when somebody asks for its value."""
        return ("assign", self.line(node), (self.expression(vars(node)["name"]),), UNKNOWN)

    def augmented(self, node: ast.AugAssign) -> Node:
        operator = type(node.op).__name__
        return ("aug", self.line(node), self.expression(node.target), operator, self.expression(node.value))

    def if_(self, node: ast.If) -> Node:
        return ("if", self.line(node), self.expression(node.test), self.block(node.body), self.block(node.orelse))

    def for_(self, node: ast.For | ast.AsyncFor) -> Node:
        return (
            "for",
            self.line(node),
            self.expression(node.target),
            self.expression(node.iter),
            self.block(node.body),
            self.block(node.orelse),
        )

    def while_(self, node: ast.While) -> Node:
        return ("while", self.line(node), self.expression(node.test), self.block(node.body), self.block(node.orelse))

    def try_(self, node: ast.Try) -> Node:
        handlers = tuple(
            (
                None if handler.type is None else self.expression(handler.type),
                handler.name or "",
                self.block(handler.body),
            )
            for handler in node.handlers
        )
        return (
            "try",
            self.line(node),
            self.block(node.body),
            handlers,
            self.block(node.orelse),
            self.block(node.finalbody),
        )

    def with_(self, node: ast.With | ast.AsyncWith) -> Node:
        items = tuple(
            (
                self.expression(item.context_expr),
                None if item.optional_vars is None else self.expression(item.optional_vars),
            )
            for item in node.items
        )
        return ("with", self.line(node), items, self.block(node.body))

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Node:
        last = self.last_lines.get(node.lineno)
        if last is None:
            last = node.end_lineno or node.lineno
        return (
            "def",
            self.line(node),
            node.name,
            self.decorators(node.decorator_list),
            self.parameters(node.args),
            last + self.offset,
            self.body(node) if self.inline else None,
        )

    def body(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Block:
        """A function's body; that of a generator begins with ``("generator", line)``."""
        outer, self.yields = self.yields, False
        block = (*self.type_parameters(node), *self.block(node.body))
        if self.yields or isinstance(node, ast.AsyncFunctionDef):
            kind = "plain" if isinstance(node, ast.FunctionDef) else "async"
            block = (("generator", self.line(node), kind), *block)
        self.yields = outer
        return block

    def class_(self, node: ast.ClassDef) -> Node:
        return (
            "class",
            self.line(node),
            node.name,
            tuple(self.expression(base) for base in node.bases),
            tuple((keyword.arg, self.expression(keyword.value)) for keyword in node.keywords),
            self.decorators(node.decorator_list),
            self.block(node.body),
        )

    def raise_(self, node: ast.Raise) -> Node:
        exception = None if node.exc is None else self.expression(node.exc)
        return ("raise", self.line(node), exception)

    def return_(self, node: ast.Return) -> Node:
        return ("return", self.line(node), None if node.value is None else self.expression(node.value))

    def delete(self, node: ast.Delete) -> Node:
        return ("del", self.line(node), tuple(self.expression(target) for target in node.targets))

    def assert_(self, node: ast.Assert) -> Node:
        message = None if node.msg is None else self.expression(node.msg)
        return ("assert", self.line(node), self.expression(node.test), message)

    def global_(self, node: ast.Global) -> Node:
        return ("global", self.line(node), tuple(node.names))

    def nonlocal_(self, node: ast.Nonlocal) -> Node:
        return ("nonlocal", self.line(node), tuple(node.names))

    def break_(self, node: ast.Break) -> Node:
        return ("break", self.line(node))

    def continue_(self, node: ast.Continue) -> Node:
        return ("continue", self.line(node))

    def match(self, node: ast.Match) -> Node:
        names = tuple(
            name
            for case in node.cases
            for pattern in ast.walk(case.pattern)
            if isinstance(name := getattr(pattern, "name", None), str)
        )
        return (
            "match",
            self.line(node),
            self.expression(node.subject),
            names,
            tuple(self.block(case.body) for case in node.cases),
        )

    # Expressions

    def decorators(self, nodes: Iterable[ast.expr]) -> tuple[Node, ...]:
        return tuple(self.expression(node) for node in nodes)

    def parameters(self, node: ast.arguments) -> Node:
        positional = tuple(argument.arg for argument in (*node.posonlyargs, *node.args))
        return (
            positional,
            tuple(self.expression(default) for default in node.defaults),
            node.vararg.arg if node.vararg else "",
            tuple(argument.arg for argument in node.kwonlyargs),
            tuple(None if default is None else self.expression(default) for default in node.kw_defaults),
            node.kwarg.arg if node.kwarg else "",
        )

    def expression(self, node: ast.expr) -> Node:
        convert = _EXPRESSIONS.get(type(node))
        if convert is None:
            children = (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
            return ("?", tuple(self.expression(child) for child in children))
        return convert(self, node)

    def yield_(self, node: ast.Yield | ast.YieldFrom) -> Node:
        self.yields = True
        if isinstance(node, ast.YieldFrom):
            return ("yield from", self.expression(node.value))
        return ("yield", () if node.value is None else (self.expression(node.value),))

    def constant(self, node: ast.Constant) -> Node:
        return ("c", node.value)

    def name(self, node: ast.Name) -> Node:
        return ("n", node.id)

    def attribute(self, node: ast.Attribute) -> Node:
        return ("a", self.expression(node.value), node.attr, self.line(node))

    def call(self, node: ast.Call) -> Node:
        arguments = tuple(self.argument(argument) for argument in node.args)
        keywords = tuple((keyword.arg, self.expression(keyword.value)) for keyword in node.keywords)
        return ("call", self.expression(node.func), arguments, keywords, self.line(node))

    def argument(self, node: ast.expr) -> Node:
        if not isinstance(node, ast.GeneratorExp):
            return self.expression(node)
        # Whoever is given a generator runs it at once, nearly always.
        return ("comp", "list", self.expression(node.elt), UNKNOWN, self.generators(node.generators))

    def starred(self, node: ast.Starred) -> Node:
        return ("*", self.expression(node.value))

    def tuple_(self, node: ast.Tuple) -> Node:
        return ("tuple", tuple(self.expression(item) for item in node.elts))

    def list_(self, node: ast.List) -> Node:
        return ("list", tuple(self.expression(item) for item in node.elts))

    def set_(self, node: ast.Set) -> Node:
        return ("set", tuple(self.expression(item) for item in node.elts))

    def dict_(self, node: ast.Dict) -> Node:
        return (
            "dict",
            tuple(
                (None if key is None else self.expression(key), self.expression(value))
                for key, value in zip(node.keys, node.values, strict=True)
            ),
        )

    def subscript(self, node: ast.Subscript) -> Node:
        return ("sub", self.expression(node.value), self.expression(node.slice))

    def slice_(self, node: ast.Slice) -> Node:
        parts = (node.lower, node.upper, node.step)
        return ("slice", *(("c", None) if part is None else self.expression(part) for part in parts))

    def binary(self, node: ast.BinOp) -> Node:
        return ("bin", type(node.op).__name__, self.expression(node.left), self.expression(node.right))

    def unary(self, node: ast.UnaryOp) -> Node:
        return ("un", type(node.op).__name__, self.expression(node.operand))

    def boolean(self, node: ast.BoolOp) -> Node:
        name = "and" if isinstance(node.op, ast.And) else "or"
        return (name, tuple(self.expression(value) for value in node.values))

    def compare(self, node: ast.Compare) -> Node:
        operators = tuple(type(operator).__name__ for operator in node.ops)
        return ("cmp", self.expression(node.left), operators, tuple(self.expression(c) for c in node.comparators))

    def conditional(self, node: ast.IfExp) -> Node:
        return ("ifexp", self.expression(node.test), self.expression(node.body), self.expression(node.orelse))

    def joined(self, node: ast.JoinedStr) -> Node:
        return ("fstr", tuple(self.expression(value) for value in node.values))

    def formatted(self, node: ast.FormattedValue) -> Node:
        plain = node.format_spec is None and node.conversion == -1
        return ("format", self.expression(node.value), plain)

    def lambda_(self, node: ast.Lambda) -> Node:
        return ("lambda", self.parameters(node.args), self.expression(node.body))

    def named(self, node: ast.NamedExpr) -> Node:
        return (":=", node.target.id, self.expression(node.value))

    def generators(self, nodes: Iterable[ast.comprehension]) -> tuple[Node, ...]:
        return tuple(
            (
                self.expression(node.target),
                self.expression(node.iter),
                tuple(self.expression(condition) for condition in node.ifs),
            )
            for node in nodes
        )

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Node:
        kind = {ast.ListComp: "list", ast.SetComp: "set", ast.GeneratorExp: "gen"}[type(node)]
        return ("comp", kind, self.expression(node.elt), UNKNOWN, self.generators(node.generators))

    def dict_comprehension(self, node: ast.DictComp) -> Node:
        return (
            "comp",
            "dict",
            self.expression(node.key),
            self.expression(node.value),
            self.generators(node.generators),
        )


_Convert = Callable[..., "Node | None"]
_STATEMENTS: dict[type[ast.stmt], _Convert] = {
    ast.Import: _Converter.import_,
    ast.ImportFrom: _Converter.import_from,
    ast.Expr: _Converter.expression_statement,
    ast.Assign: _Converter.assign,
    ast.AnnAssign: _Converter.annotated,
    ast.AugAssign: _Converter.augmented,
    ast.If: _Converter.if_,
    ast.For: _Converter.for_,
    ast.AsyncFor: _Converter.for_,
    ast.While: _Converter.while_,
    ast.Try: _Converter.try_,
    ast.With: _Converter.with_,
    ast.AsyncWith: _Converter.with_,
    ast.FunctionDef: _Converter.function,
    ast.AsyncFunctionDef: _Converter.function,
    ast.ClassDef: _Converter.class_,
    ast.Raise: _Converter.raise_,
    ast.Return: _Converter.return_,
    ast.Delete: _Converter.delete,
    ast.Assert: _Converter.assert_,
    ast.Global: _Converter.global_,
    ast.Nonlocal: _Converter.nonlocal_,
    ast.Break: _Converter.break_,
    ast.Continue: _Converter.continue_,
    ast.Match: _Converter.match,
}
if hasattr(ast, "TryStar"):
    _STATEMENTS[ast.TryStar] = _Converter.try_
if hasattr(ast, "TypeAlias"):
    _STATEMENTS[ast.TypeAlias] = _Converter.type_alias

_EXPRESSIONS: dict[type[ast.expr], Callable[..., Node]] = {
    ast.Constant: _Converter.constant,
    ast.Name: _Converter.name,
    ast.Attribute: _Converter.attribute,
    ast.Call: _Converter.call,
    ast.Starred: _Converter.starred,
    ast.Tuple: _Converter.tuple_,
    ast.List: _Converter.list_,
    ast.Set: _Converter.set_,
    ast.Dict: _Converter.dict_,
    ast.Subscript: _Converter.subscript,
    ast.Slice: _Converter.slice_,
    ast.BinOp: _Converter.binary,
    ast.UnaryOp: _Converter.unary,
    ast.BoolOp: _Converter.boolean,
    ast.Compare: _Converter.compare,
    ast.IfExp: _Converter.conditional,
    ast.JoinedStr: _Converter.joined,
    ast.FormattedValue: _Converter.formatted,
    ast.Lambda: _Converter.lambda_,
    ast.NamedExpr: _Converter.named,
    ast.ListComp: _Converter.comprehension,
    ast.SetComp: _Converter.comprehension,
    ast.GeneratorExp: _Converter.comprehension,
    ast.DictComp: _Converter.dict_comprehension,
    ast.Yield: _Converter.yield_,
    ast.YieldFrom: _Converter.yield_,
}


_GENERIC = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_ANNOTATED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.AnnAssign)


def _annotations(statement: ast.stmt) -> Iterable[ast.expr]:
    if isinstance(statement, ast.AnnAssign):
        return (statement.annotation,)
    if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return ()
    given = statement.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    arguments.extend(argument for argument in (given.vararg, given.kwarg) if argument is not None)
    found = [*(argument.annotation for argument in arguments), statement.returns]
    return [annotation for annotation in found if annotation is not None]


def _attributes(node: ast.AST) -> Iterable[ast.Attribute]:
    if isinstance(node, ast.Attribute):
        yield node
    elif not isinstance(node, (ast.Name, ast.Constant, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from _attributes(child)


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(parts))) if isinstance(node, ast.Name) else ""


def evaluates_annotations(statements: Iterable[ast.stmt]) -> bool:
    """Whether a module's annotations run where they stand: it has no ``from __future__ import annotations``."""
    futures = (one for one in statements if isinstance(one, ast.ImportFrom) and one.module == "__future__")
    return not any(alias.name == "annotations" for one in futures for alias in one.names)


def block_of(
    statements: Iterable[ast.stmt], *, last_lines: Mapping[int, int] | None = None, annotations: bool = False
) -> Block:
    """Convert a module's statements.

    ``last_lines`` gives the last line of functions whose bodies were cut out. With ``annotations``, what the
    annotations of functions and variables read is kept too.
    """
    return _Converter(0, last_lines or {}, False, annotations).block(statements)


def body_of(function: ast.FunctionDef | ast.AsyncFunctionDef, *, offset: int) -> Block:
    """Convert a function's body, those of nested functions with it. ``offset`` is added to every line."""
    return _Converter(offset, {}, True).body(function)
