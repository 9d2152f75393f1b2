"""Statements in their order: which variable holds what at which place, and under which conditions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from torchlink.model.uses import UNKNOWN, Call, Constant, FileUses, Form, Items, Name, Signature, Table, Value
from torchlink.read.use_values import (
    MAX_SIZE,
    Around,
    Expressions,
    Variables,
    names_in,
    parameter_values,
    size_of,
    target_names,
)

_EVERY = "BaseException"
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class Walk(Expressions):
    """Walks through one file."""

    stars: list[str] = field(default_factory=list)
    functions: dict[str, Signature] = field(default_factory=dict)
    classes: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    exports: Variables = field(default_factory=dict)
    late: list[Callable[[], None]] = field(default_factory=list)
    """Bodies of functions: they run when the module is whole."""
    is_package: bool = False

    def run(self, tree: ast.Module) -> None:
        """Walk through the module, then through its functions."""
        self.is_package = self.path.endswith("/__init__.py")
        self.exports["__file__"] = Constant(self.path)
        self.block(tree.body, self.exports)
        if b"global " in self.source:
            declared = (node for node in ast.walk(tree) if isinstance(node, ast.Global))
            self.exports.update({name: UNKNOWN for node in declared for name in node.names})
        # A function's own functions are added while this list is run through.
        for body in self.late:
            body()

    def facts(self, cells: tuple[int, ...]) -> FileUses:
        """What was found."""
        return FileUses(
            path=self.path,
            module=self.module,
            uses=tuple(self.uses),
            exports=self.exports,
            stars=tuple(self.stars),
            functions=self.functions,
            classes=self.classes,
            lines=tuple(line.decode("utf-8", "replace") for line in self.lines),
            cells=cells,
        )

    # Blocks

    def block(self, statements: Sequence[ast.stmt], variables: Variables, scope: str = "") -> None:
        """Run statements one after the other. What follows a branch that leaves stands under its condition."""
        before = self.around
        for statement in statements:
            self.statement(statement, variables, scope)
            if isinstance(statement, ast.If) and (_leaves(statement.body) or _leaves(statement.orelse)):
                tests = self.around.tests | names_in(statement.test)
                self.around = replace(self.around, conditional=True, tests=tests)
        self.around = before

    def branch(self, statements: Sequence[ast.stmt], variables: Variables, scope: str) -> Variables:
        inner = dict(variables)
        self.block(statements, inner, scope)
        return variables if _leaves(statements) else inner

    def merge(self, variables: Variables, branches: Iterable[Variables]) -> None:
        """After branches a variable is known where all of them agree."""
        every = list(branches)
        changed = {name for branch in every for name, value in branch.items() if variables.get(name) is not value}
        for name in changed:
            values = [branch.get(name) for branch in every]
            first = values[0]
            same = first is not None and all(value is first or value == first for value in values)
            variables[name] = first if same and first is not None else UNKNOWN

    def forget(self, names: Iterable[str], variables: Variables) -> None:
        """What a loop binds may come from its last turn."""
        variables.update(dict.fromkeys(names, UNKNOWN))

    # Statements

    def statement(self, node: ast.stmt, variables: Variables, scope: str) -> None:
        match node:
            case ast.Import():
                self.import_(node, variables)
            case ast.ImportFrom():
                self.import_from(node, variables)
            case ast.Assign():
                value = self.value(node.value, variables)
                for target in node.targets:
                    self.assign(target, value, variables)
            case ast.AnnAssign():
                if node.value is not None:
                    self.assign(node.target, self.value(node.value, variables), variables)
            case ast.AugAssign():
                self.value(node.value, variables)
                self.assign(node.target, UNKNOWN, variables)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.function(node, variables, scope)
            case ast.ClassDef():
                self.class_(node, variables, scope)
            case _:
                self.compound(node, variables, scope)

    def compound(self, node: ast.stmt, variables: Variables, scope: str) -> None:
        match node:
            case ast.If():
                self.if_(node, variables, scope)
            case ast.For() | ast.AsyncFor():
                self.value(node.iter, variables)
                bound = _bound_in(node)
                self.forget(bound, variables)
                self.block(node.body, variables, scope)
                self.block(node.orelse, variables, scope)
                self.forget(bound, variables)
            case ast.While():
                bound = _bound_in(node)
                self.forget(bound, variables)
                self.value(node.test, variables)
                with self.within(conditional=not isinstance(node.test, ast.Constant), tests=names_in(node.test)):
                    self.block([*node.body, *node.orelse], variables, scope)
                self.forget(bound, variables)
            case ast.With() | ast.AsyncWith():
                self.with_(node, variables, scope)
            case ast.Match():
                self.value(node.subject, variables)
                with self.within(conditional=True, tests=names_in(node.subject)):
                    self.merge(variables, [variables, *(self.branch(c.body, variables, scope) for c in node.cases)])
            case _:
                self.plain(node, variables, scope)

    def plain(self, node: ast.stmt, variables: Variables, scope: str) -> None:
        if isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            self.try_(node, variables, scope)
            return
        if type(node).__name__ == "TypeAlias":
            self.assign(vars(node)["name"], UNKNOWN, variables)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child, variables)

    def if_(self, node: ast.If, variables: Variables, scope: str) -> None:
        tests = names_in(node.test)
        self.value(node.test, variables)
        if "TYPE_CHECKING" in tests:
            self.block(node.orelse, variables, scope)
        elif tests == {"__name__"}:
            self.block(node.body, variables, scope)
        else:
            with self.within(conditional=True, tests=tests):
                branches = [self.branch(part, variables, scope) for part in (node.body, node.orelse)]
            self.merge(variables, branches)

    def try_(self, node: ast.stmt, variables: Variables, scope: str) -> None:
        """A ``try``: what its handlers catch is known to its body, and a handler is a way out for itself."""
        body, handlers, orelse, final = (getattr(node, part) for part in ("body", "handlers", "orelse", "finalbody"))
        caught: frozenset[str] = frozenset().union(*(_caught(handler) for handler in handlers))
        inner = dict(variables)
        with self.within(caught=caught):
            self.block(body, inner, scope)
        self.block(orelse, inner, scope)
        branches = [variables if _leaves(body) else inner]
        for handler in handlers:
            if handler.type is not None:
                self.value(handler.type, variables)
            with self.within(conditional=True, caught=frozenset({_EVERY})):
                branches.append(self.branch(handler.body, variables, scope))
        self.merge(variables, branches)
        self.block(final, variables, scope)

    def with_(self, node: ast.With | ast.AsyncWith, variables: Variables, scope: str) -> None:
        before = self.around
        for item in node.items:
            context = self.value(item.context_expr, variables)
            caught = _suppressed(context)
            contexts = (*self.around.contexts, context)
            self.around = replace(self.around, contexts=contexts, caught=self.around.caught | caught)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, context, variables)
        self.block(node.body, variables, scope)
        self.around = before

    # Imports

    def import_(self, node: ast.Import, variables: Variables) -> None:
        for alias in node.names:
            self.record(Form.IMPORT, Name(alias.name), node)
            if alias.asname:
                variables[alias.asname] = Name(alias.name)
            else:
                top = alias.name.partition(".")[0]
                variables[top] = Name(top)

    def import_from(self, node: ast.ImportFrom, variables: Variables) -> None:
        base = self.absolute(node.module or "", node.level)
        for alias in node.names:
            if alias.name == "*":
                self.record(Form.IMPORT, Name(base), node)
                self.stars.append(base)
                continue
            name = Name(f"{base}.{alias.name}")
            self.record(Form.IMPORT, name, node)
            variables[alias.asname or alias.name] = name

    def absolute(self, name: str, level: int) -> str:
        if level == 0:
            return name
        parts = self.module.split(".")
        keep = len(parts) - level + (1 if self.is_package else 0)
        return ".".join([*parts[: max(keep, 0)], *([name] if name else [])])

    # What binds

    def assign(self, target: ast.expr, value: Value, variables: Variables) -> None:
        match target:
            case ast.Name():
                variables[target.id] = value
            case ast.Attribute():
                self.assign_attribute(target, value, variables)
            case ast.Subscript():
                self.assign_item(target, value, variables)
            case ast.Tuple() | ast.List():
                values = value.values if isinstance(value, Items) and len(value.values) == len(target.elts) else None
                for place, inner in enumerate(target.elts):
                    self.assign(inner, UNKNOWN if values is None else values[place], variables)
            case ast.Starred():
                self.assign(target.value, UNKNOWN, variables)

    def assign_attribute(self, target: ast.Attribute, value: Value, variables: Variables) -> None:
        dotted = self.dotted(target, variables)
        if dotted is not None:
            self.record(Form.ASSIGN, dotted, target)
        elif isinstance(target.value, ast.Name):
            variables[f"{target.value.id}.{target.attr}"] = value
        else:
            self.value(target.value, variables)

    def assign_item(self, target: ast.Subscript, value: Value, variables: Variables) -> None:
        """``kwargs["weights_only"] = True`` adds to a table that is known; everything else that is set is forgotten."""
        key = self.value(target.slice, variables)
        if not isinstance(target.value, ast.Name):
            of = self.value(target.value, variables)
            if of == Name("os.environ") and isinstance(key, Constant) and isinstance(key.value, str):
                self.record(Form.ASSIGN, Name(f"os.environ.{key.value}"), target)
            return
        held = variables.get(target.value.id)
        if isinstance(held, Table) and held.size + size_of(key, value) <= MAX_SIZE:
            items = (*held.items, (key, value))
            variables[target.value.id] = Table(items, held.open, held.size + size_of(key, value))
        elif isinstance(held, (Table, Items)):
            variables[target.value.id] = UNKNOWN

    # Functions and classes

    def function(self, node: _Function, variables: Variables, scope: str, owner: str = "") -> None:
        name = f"{scope or self.module}.{node.name}"
        for decorator in node.decorator_list:
            self.value(decorator, variables)
        arguments = node.args
        positional = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
        defaults = {
            one: self.value(default, variables)
            for one, default in zip(positional[::-1], arguments.defaults[::-1], strict=False)
        }
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if default is not None:
                defaults[argument.arg] = self.value(default, variables)
        is_static = any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in node.decorator_list)
        self.functions[name] = Signature(
            positional=tuple(positional[1:] if owner and not is_static else positional),
            keyword=tuple(argument.arg for argument in arguments.kwonlyargs),
            defaults=defaults,
            stars=(arguments.vararg.arg if arguments.vararg else "", arguments.kwarg.arg if arguments.kwarg else ""),
        )
        if not owner:
            variables[node.name] = UNKNOWN if node.decorator_list else Name(name)
        self.later(node, variables, name, owner)

    def later(self, node: _Function, variables: Variables, name: str, owner: str) -> None:
        around = Around(
            function=name,
            conditional=self.around.conditional,
            tests=self.around.tests,
            caught=frozenset(),
            contexts=(),
        )

        def run() -> None:
            inner = {**variables, **parameter_values(node.args)}
            if owner and node.args.args and node.name != "__new__":
                self_name = node.args.args[0].arg
                for attribute, value in self.attributes(owner).items():
                    inner.setdefault(f"{self_name}.{attribute}", value)
            self.around = around
            self.block(node.body, inner, name)
            if owner and node.name == "__init__" and node.args.args:
                self.keep_attributes(owner, node.args.args[0].arg, inner)
            self.around = Around()

        self.late.append(run)

    _attributes: dict[str, Variables] = field(default_factory=dict)
    _rebound: dict[str, frozenset[str]] = field(default_factory=dict)

    def attributes(self, owner: str) -> Variables:
        """What ``__init__`` binds to ``self`` and nobody else does."""
        return self._attributes.get(owner, {})

    def keep_attributes(self, owner: str, self_name: str, variables: Variables) -> None:
        head = f"{self_name}."
        rebound = self._rebound.get(owner, frozenset())
        self._attributes[owner] = {
            name.removeprefix(head): value
            for name, value in variables.items()
            if name.startswith(head) and name.removeprefix(head) not in rebound
        }

    def class_(self, node: ast.ClassDef, variables: Variables, scope: str) -> None:
        name = f"{scope or self.module}.{node.name}"
        self.classes[name] = tuple(self.value(base, variables) for base in node.bases)
        for one in (*node.decorator_list, *(keyword.value for keyword in node.keywords)):
            self.value(one, variables)
        self._rebound[name] = _attributes_set_outside_init(node)
        inner = dict(variables)
        methods = [one for one in node.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))]
        methods.sort(key=lambda one: one.name != "__init__")
        self.block([one for one in node.body if one not in methods], inner, name)
        for method in methods:
            self.function(method, variables, name, owner=name)
        variables[node.name] = Name(name)


def _targets(statements: Iterable[ast.stmt]) -> Iterator[ast.expr]:
    """What statements assign to, those inside others too. Expressions are not looked into."""
    pending = list(statements)
    while pending:
        statement = pending.pop()
        match statement:
            case ast.Assign():
                yield from statement.targets
            case ast.AugAssign() | ast.AnnAssign() | ast.For() | ast.AsyncFor():
                yield statement.target
            case ast.With() | ast.AsyncWith():
                yield from (item.optional_vars for item in statement.items if item.optional_vars is not None)
        for part in ("body", "orelse", "finalbody"):
            pending.extend(getattr(statement, part, ()))
        pending.extend(inner for handler in getattr(statement, "handlers", ()) for inner in handler.body)


def _bound_in(statement: ast.stmt) -> frozenset[str]:
    """The variables that a statement binds, those within it too."""
    return frozenset(name for target in _targets([statement]) for name in target_names(target))


def _attributes_set_outside_init(node: ast.ClassDef) -> frozenset[str]:
    others = (one for one in node.body if not (isinstance(one, ast.FunctionDef) and one.name == "__init__"))
    return frozenset(target.attr for target in _targets(others) if isinstance(target, ast.Attribute))


def _leaves(statements: Sequence[ast.stmt]) -> bool:
    return bool(statements) and isinstance(statements[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break))


def _caught(handler: ast.ExceptHandler) -> frozenset[str]:
    return frozenset({_EVERY}) if handler.type is None else names_in(handler.type)


def _suppressed(context: Value) -> frozenset[str]:
    """The exceptions of ``contextlib.suppress(...)``."""
    if isinstance(context, Call) and context.callee == Name("contextlib.suppress"):
        return frozenset(one.dotted.rpartition(".")[2] for one in context.positional if isinstance(one, Name))
    return frozenset()
