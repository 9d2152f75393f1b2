"""Edits of one Python file, with libcst: what is not edited stays byte for byte.

libcst and not ``ast.unparse``, because comments and layout are the user's; and not text edits by place, because a call
goes over lines and its arguments hold anything. It is an extra (``torchlink[source]``): it is compiled and needs
PyYAML, so that it could be the very conflict that somebody looks for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import libcst as cst
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor
from libcst.metadata import MetadataWrapper, PositionProvider

from torchlink.model.edits import SourceEdit
from torchlink.read.syntax import parse

_WIDTH = 100
"""A longer list goes over lines."""
_IMPORT = re.compile(r"from (?P<module>[\w.]+) import (?P<name>\w+)(?: as (?P<alias>\w+))?\Z")


def rewrite(source: bytes, edits: Sequence[SourceEdit]) -> tuple[bytes, tuple[SourceEdit, ...]]:
    """Carry out edits of one file.

    Returns:
        The file's new bytes, and the edits that could not be made: their place holds something else than was read.

    Raises:
        ValueError: libcst cannot parse the file.
    """
    try:
        # libcst's parser runs out of stack, and takes the process with it, where Python's refuses.
        parse(source)
        wrapper = MetadataWrapper(cst.parse_module(source))
    except (cst.ParserSyntaxError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError((str(error) or type(error).__name__).splitlines()[0]) from error
    editor = _Editor(edits)
    module = wrapper.visit(editor)
    for line in editor.imports:
        module = _with_import(module, line)
    return module.bytes, tuple(edit for edit in edits if edit not in editor.done)


def _with_import(module: cst.Module, line: str) -> cst.Module:
    match = _IMPORT.match(line)
    context = CodemodContext()
    if match is None:
        AddImportsVisitor.add_needed_import(context, line.removeprefix("import "))
    else:
        AddImportsVisitor.add_needed_import(context, match["module"], match["name"], match["alias"])
    return AddImportsVisitor(context).transform_module(module)


class _Editor(cst.CSTTransformer):
    """Makes each edit at the node that begins at its place. Inner nodes are left before outer ones."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, edits: Sequence[SourceEdit]) -> None:
        super().__init__()
        self.done: set[SourceEdit] = set()
        self.imports: dict[str, None] = {}
        self._edits: dict[tuple[int, int], list[SourceEdit]] = {}
        for edit in edits:
            self._edits.setdefault((edit.line, edit.column), []).append(edit)
        self._around: list[tuple[tuple[str, ...], str]] = []
        """Allow lists to put around the statement that is being left, each with what torch is called there."""
        self._attributes: set[tuple[int, int]] = set()
        """Where attributes begin: the name there is a part of one."""
        self._in_statement = False
        """Whether a statement is being visited that a ``with`` can stand around."""

    def _at(self, node: cst.CSTNode) -> list[SourceEdit]:
        start = self.get_metadata(PositionProvider, node).start
        found = self._edits.get((start.line, start.column + 1), [])
        return [edit for edit in found if edit not in self.done]

    # Calls

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        for edit in self._at(original_node):
            if (edit.name and not edit.call) or (edit.allow and not self._in_statement):
                continue
            edited = _edited_call(updated_node, edit)
            if edited is None:
                continue
            updated_node = edited
            self.done.add(edit)
            if edit.allow:
                self._around.append((edit.allow, _module_name(original_node.func)))
                self.imports.update(dict.fromkeys(edit.imports))
        return updated_node

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:  # noqa: ARG002 - libcst's signature
        self._in_statement = True

    def leave_SimpleStatementLine(
        self,
        original_node: cst.SimpleStatementLine,  # noqa: ARG002 - libcst's signature
        updated_node: cst.SimpleStatementLine,
    ) -> cst.BaseStatement:
        self._in_statement = False
        if not self._around:
            return updated_node
        entries = tuple(dict.fromkeys(entry for allow, _ in self._around for entry in allow))
        torch = self._around[0][1]
        self._around.clear()
        if not torch:
            torch = "torch"
            self.imports["import torch"] = None
        return _in_safe_globals(updated_node, torch, entries)

    # Names

    def visit_Attribute(self, node: cst.Attribute) -> None:
        start = self.get_metadata(PositionProvider, node).start
        self._attributes.add((start.line, start.column))

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        for edit in self._at(original_node):
            if edit.name and not edit.call and updated_node.attr.value == _last(edit.name):
                replaced = _replaced(updated_node, edit)
                if replaced is not None:
                    self.done.add(edit)
                    return replaced
        return updated_node

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        """A name that a ``from`` import binds keeps its name here: the import is edited."""
        start = self.get_metadata(PositionProvider, original_node).start
        if (start.line, start.column) not in self._attributes:
            self.done.update(edit for edit in self._at(original_node) if edit.name and not edit.call)
        return updated_node

    def leave_ImportFrom(self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom) -> cst.ImportFrom:
        for edit in self._at(original_node):
            edited = _edited_import(updated_node, edit) if edit.name else None
            if edited is not None:
                updated_node = edited
                self.done.add(edit)
        return updated_node

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import:
        for edit in self._at(original_node):
            names = [_renamed_module(alias, edit) for alias in updated_node.names]
            if any(new is not old for new, old in zip(names, updated_node.names, strict=True)):
                updated_node = updated_node.with_changes(names=names)
                self.done.add(edit)
        return updated_node


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _first(name: str) -> str:
    return name.partition(".")[0]


def _module_name(callee: cst.BaseExpression) -> str:
    """What the module is called of which a function is called: ``torch`` of ``torch.load``; empty for a bare name."""
    return cst.Module([]).code_for_node(callee.value) if isinstance(callee, cst.Attribute) else ""


def _edited_call(node: cst.Call, edit: SourceEdit) -> cst.Call | None:
    """The call with its arguments edited; ``None`` where it is not the one that was read."""
    keywords = {argument.keyword.value for argument in node.args if argument.keyword is not None}
    if not keywords.issuperset({*(old for old, _ in edit.rename), *edit.drop}):
        return None
    arguments = [_renamed(argument, dict(edit.rename)) for argument in node.args]
    arguments = [one for one in arguments if one.keyword is None or one.keyword.value not in edit.drop]
    for name, value in edit.add:
        arguments = _with_keyword(arguments, name, value)
    if edit.first:
        arguments.insert(0, cst.Arg(cst.parse_expression(edit.first)))
    callee = node.func
    if edit.call:
        moved = _moved(node.func, edit.name, edit.call)
        if moved is None:
            return None
        callee = moved
    return node.with_changes(func=callee, args=_with_commas(arguments, node.args))


def _renamed(argument: cst.Arg, names: dict[str, str]) -> cst.Arg:
    if argument.keyword is None or argument.keyword.value not in names:
        return argument
    return argument.with_changes(keyword=cst.Name(names[argument.keyword.value]))


def _with_keyword(arguments: list[cst.Arg], name: str, value: str) -> list[cst.Arg]:
    expression = cst.parse_expression(value)
    for place, argument in enumerate(arguments):
        if argument.keyword is not None and argument.keyword.value == name:
            return [*arguments[:place], argument.with_changes(value=expression), *arguments[place + 1 :]]
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    added = cst.Arg(expression, keyword=cst.Name(name), equal=equal)
    behind = next((place for place, one in enumerate(arguments) if one.star == "**"), len(arguments))
    return [*arguments[:behind], added, *arguments[behind:]]


def _with_commas(arguments: list[cst.Arg], before: Sequence[cst.Arg]) -> list[cst.Arg]:
    """Commas between arguments as the call has them, and behind the last one where it had one there."""
    if not arguments:
        return []
    last = before[-1] if before else arguments[-1]
    separator = _separator(before)
    fixed = [
        one if isinstance(one.comma, cst.Comma) and one is not last else one.with_changes(comma=separator)
        for one in arguments[:-1]
    ]
    ending = arguments[-1].with_changes(comma=last.comma, whitespace_after_arg=last.whitespace_after_arg)
    bare = cst.SimpleWhitespace("")
    return [*(one.with_changes(whitespace_after_arg=bare) if one.comma is separator else one for one in fixed), ending]


def _separator(arguments: Sequence[cst.Arg]) -> cst.Comma:
    """A comma as between the arguments that are there, without the comment behind it."""
    for one in arguments[:-1]:
        space = one.comma.whitespace_after if isinstance(one.comma, cst.Comma) else None
        if isinstance(space, cst.ParenthesizedWhitespace):
            line = cst.TrailingWhitespace(newline=space.first_line.newline)
            return cst.Comma(whitespace_after=space.with_changes(first_line=line, empty_lines=[]))
    return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


def _moved(callee: cst.BaseExpression, old: str, new: str) -> cst.BaseExpression | None:
    """The callee with what changed of its name exchanged: ``t.cuda.amp.autocast`` becomes ``t.amp.autocast``."""
    text = cst.Module([]).code_for_node(callee)
    tail = old.partition(".")[2]
    if not text.endswith(f".{tail}") or _first(old) != _first(new):
        return None
    return cst.parse_expression(text.removesuffix(tail) + new.partition(".")[2])


def _replaced(node: cst.Attribute, edit: SourceEdit) -> cst.BaseExpression | None:
    """An attribute by its other name; ``None`` where that needs an import."""
    owner = cst.Module([]).code_for_node(node.value)
    parent, _, _ = edit.name.rpartition(".")
    sign, bare = ("-", edit.replacement[1:]) if edit.replacement.startswith("-") else ("", edit.replacement)
    if bare.startswith(f"{parent}."):
        text = f"{owner}.{bare.removeprefix(f'{parent}.')}"
    elif "." not in bare or bare.replace(".", "").isdigit():
        text = bare
    else:
        return None
    return cst.parse_expression(f"({sign}{text})" if sign else text)


def _edited_import(node: cst.ImportFrom, edit: SourceEdit) -> cst.ImportFrom | None:
    """``from module import old`` → ``from module import new as old``; or the module itself under its new name."""
    module = cst.Module([]).code_for_node(node.module) if node.module is not None else ""
    if node.relative or isinstance(node.names, cst.ImportStar):
        return None
    if module == edit.name or module.startswith(f"{edit.name}."):
        return node.with_changes(module=_dotted(edit.replacement + module.removeprefix(edit.name)))
    parent, _, old = edit.name.rpartition(".")
    other, _, new = edit.replacement.rpartition(".")
    if module != parent or not new.isidentifier() or not other:
        return None
    names = list(node.names)
    place = next((at for at, alias in enumerate(names) if alias.name.value == old), -1)
    if place < 0 or (other != parent and len(names) > 1):
        return None
    kept = names[place].asname or (cst.AsName(cst.Name(old)) if old != new else None)
    names[place] = names[place].with_changes(name=cst.Name(new), asname=kept)
    return node.with_changes(module=_dotted(other), names=names)


def _renamed_module(alias: cst.ImportAlias, edit: SourceEdit) -> cst.ImportAlias:
    """``import old as x``; without ``as`` the uses would have to change with it."""
    name = cst.Module([]).code_for_node(alias.name)
    if (
        name != edit.name
        or alias.asname is None
        or not all(part.isidentifier() for part in edit.replacement.split("."))
    ):
        return alias
    return alias.with_changes(name=_dotted(edit.replacement))


def _dotted(name: str) -> cst.Attribute | cst.Name:
    found = cst.parse_expression(name)
    if not isinstance(found, (cst.Attribute, cst.Name)):
        raise ValueError(f"{name} is no dotted name")
    return found


def _in_safe_globals(statement: cst.SimpleStatementLine, torch: str, entries: Sequence[str]) -> cst.With:
    context = f"{torch}.serialization.safe_globals([{', '.join(entries)}])"
    if len(context) > _WIDTH:
        # libcst adds the indentation of the block.
        listed = "".join(f"        {entry},\n" for entry in entries)
        context = f"{torch}.serialization.safe_globals(\n    [\n{listed}    ]\n)"
    return cst.With(
        items=[cst.WithItem(cst.parse_expression(context))],
        body=cst.IndentedBlock([statement.with_changes(leading_lines=[])]),
        leading_lines=statement.leading_lines,
    )
