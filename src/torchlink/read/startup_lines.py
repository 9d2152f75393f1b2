"""Lines of ``.pth`` files that run at start-up and put a folder on the search path: read, and not run."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

_SAME = frozenset({"os.path.abspath", "os.path.realpath", "os.path.normpath", "str"})


@dataclass(frozen=True, slots=True)
class PathEdit:
    """A folder that is put on the search path."""

    folder: str
    first: bool


class _Unknown(Exception):
    """Something that is not followed."""


def runs_code(line: str) -> bool:
    """Whether Python runs a line of a ``.pth`` file; any other names a folder, or is a comment."""
    return line.startswith(("import ", "import\t"))


def path_edits(line: str, site: str) -> tuple[PathEdit, ...] | None:
    """What a line does to ``sys.path``; ``None`` where it does anything else that is not an import.

    Args:
        line: As in nvidia-cutlass-dsl 4.8: ``import sys, os, x; sys.path.insert(0, os.path.join(x.__path__[0], 'y'))``.
        site: The folder of the file, in which its packages are.
    """
    values: dict[str, str] = {}
    edits: list[PathEdit] = []
    try:
        for statement in ast.parse(line.strip()).body:
            if isinstance(statement, ast.Import):
                values.update({f"{alias.name}.__path__": f"{site}/{alias.name}" for alias in statement.names})
            elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                values[statement.targets[0].id] = _text(statement.value, values)
            elif isinstance(statement, ast.Expr):
                edits.append(_edit(statement.value, values))
            else:
                return None
    except (SyntaxError, ValueError, RecursionError, MemoryError, _Unknown):
        return None
    return tuple(edits)


def _edit(call: ast.expr, values: Mapping[str, str]) -> PathEdit:
    if not isinstance(call, ast.Call) or call.keywords:
        raise _Unknown
    name = ast.unparse(call.func)
    if name == "sys.path.append" and len(call.args) == 1:
        return PathEdit(_text(call.args[0], values), first=False)
    if name == "sys.path.insert" and len(call.args) == 2 and ast.unparse(call.args[0]) in ("0", "1"):
        return PathEdit(_text(call.args[1], values), first=True)
    raise _Unknown


def _text(value: ast.expr, values: Mapping[str, str]) -> str:
    """The text of an expression over constants, paths of packages and ``os.path``."""
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.Subscript(value=ast.Attribute(attr="__path__") as path, slice=ast.Constant(value=0)):
            return _of_package(ast.unparse(path), values)
        case ast.Attribute(value=owner, attr="__file__"):
            return f"{_of_package(f'{ast.unparse(owner)}.__path__', values)}/__init__.py"
        case ast.Call(func=function, args=arguments, keywords=[]):
            return _called(ast.unparse(function), [_text(one, values) for one in arguments])
    raise _Unknown


def _of_package(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        raise _Unknown
    return values[name]


def _called(name: str, texts: list[str]) -> str:
    if name == "os.path.join" and texts:
        return posixpath.normpath(posixpath.join(*texts))
    if len(texts) == 1 and name == "os.path.dirname":
        return posixpath.dirname(texts[0])
    if len(texts) == 1 and name in _SAME:
        return texts[0]
    raise _Unknown
