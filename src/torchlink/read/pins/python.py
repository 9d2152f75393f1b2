"""Python source: requirement strings in lists and tables, install commands, and what ``setup.py`` passes on.

A list is one of requirements where every string in it is one and some name a version; a lone string is where it gives
a version with a dot. Messages that tell a user to install something are not commands.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from torchlink.model.names import normalise
from torchlink.model.pins import FileKind, Notation, Pin, Role
from torchlink.read.pins.commands import read_command
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.notations import specifier
from torchlink.read.pins.python_strings import Source
from torchlink.read.pins.requirement import read_ranged, read_requirement
from torchlink.read.pins.requirements_txt import several, shortened
from torchlink.read.pins.script import Argument, Variables
from torchlink.read.pins.shell_script import read_shell, version_variable
from torchlink.read.pins.text import Piece

_VERSION = re.compile(r"\d+\.\d+[\w.+]*")
_OPERATOR_AND_VERSION = re.compile(r"(?:===?|~=|!=|<=?|>=?)\s*\d")
_DOTTED = re.compile(r"(?:===?|~=|!=|<=?|>=?)\s*\d+\.\d")
_COMMAND = re.compile(r"\s*(?:[\w./{}\"'-]*python[\w.}\"']*\s+-m\s+)?(?:uv\s+)?(?:pip3?|conda|mamba)\s+install\s+\S")
_BARE_INSTALL = re.compile(r"\s*install\s+\S")
_TELLING = re.compile(
    r"print|echo|log|logger|warn|warning|info|debug|error|exception|\w*Error|\w*Exception|help|skip\w*"
)
_INSTALLING = re.compile(r"install|pip|ensure|require_package", re.IGNORECASE)
_KEYWORDS = {"install_requires": "", "setup_requires": "build", "tests_require": "group test"}
_HINT = (
    r"""["'][A-Za-z][\w.-]*(?:\[[\w,-]*\])?\s?(?:[=~<>]=|<|>)\s?\d+\.\d|["']\s?(?:[=~<>!]=|<|>)\s?\d"""
    r"""|["']install["' ]|\b(?:pip3?|conda) install\b|^[A-Z_]*VERSION\s*=\s*["']\d|["']\s*:\s*["']\d+\.\d"""
    r"""|_requires?\b"""
)
_LIKELY = re.compile(_HINT, re.MULTILINE)
_MOST_STRINGS = 5_000


def read(contents: Contents) -> None:
    """Read a Python file."""
    piece = contents.document.whole
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(piece.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        contents.cannot_read(None, f"it is not valid Python ({shortened(str(error))})")
        return
    _Reader(contents, Source(piece)).read(tree)


class _Reader:
    def __init__(self, contents: Contents, source: Source) -> None:
        self._contents = contents
        self._source = source
        self._known: dict[str, Piece] = {}
        self._lines = _likely_lines(contents.document.whole.text)

    def read(self, tree: ast.Module) -> None:
        self._known = self._constants(tree)
        pending: list[ast.AST] = [tree]
        while pending:
            node = pending.pop()
            if isinstance(node, (ast.stmt, ast.expr)) and not self._is_likely(node):
                continue
            if isinstance(node, ast.Call):
                pending.extend(self._call(node))
            elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
                pending.extend(self._sequence(node.elts, node))
            elif isinstance(node, ast.Dict):
                pending.extend(self._table(node))
            elif isinstance(node, (ast.Constant, ast.JoinedStr)):
                self._alone(node)
            elif not isinstance(node, ast.Raise):
                pending.extend(reversed([child for child in ast.iter_child_nodes(node) if not _is_docstring(child)]))
        self._variables()

    def _is_likely(self, node: ast.stmt | ast.expr) -> bool:
        """Whether a line of the node looks as if it spoke of versions: most of a module does not."""
        place = bisect_left(self._lines, node.lineno)
        return place < len(self._lines) and self._lines[place] <= (node.end_lineno or node.lineno)

    def _constants(self, tree: ast.Module) -> dict[str, Piece]:
        """Module constants that are bound once, to a string."""
        found: dict[str, Piece] = {}
        twice: set[str] = set()
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target, value = statement.targets[0], self._source.string(statement.value)
                if isinstance(target, ast.Name) and value is not None:
                    twice.update({target.id} & found.keys())
                    found[target.id] = value
        return {name: value for name, value in found.items() if name not in twice}

    def _call(self, node: ast.Call) -> Iterator[ast.AST]:
        name = _called(node.func)
        if _TELLING.fullmatch(name):
            return
        yield from self._keywords(node) if name == "setup" else node.keywords
        installs = bool(_INSTALLING.search(name))
        elements = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
        if len(elements) > 2 and self._command(elements, node):  # exec("pip", "install", "torch==2.3.1")
            return
        yield node.func
        for argument in node.args:
            if isinstance(argument, (ast.Constant, ast.JoinedStr)) and self._is_likely(argument):
                self._alone(argument, wanted=installs)
            else:
                yield argument

    def _keywords(self, node: ast.Call) -> Iterator[ast.AST]:
        """``setup(install_requires=[...], extras_require={...})``."""
        for keyword in node.keywords:
            value = keyword.value
            if keyword.arg in _KEYWORDS and isinstance(value, (ast.List, ast.Tuple)):
                self._requirements(value.elts, _KEYWORDS[keyword.arg])
            elif keyword.arg == "extras_require" and isinstance(value, ast.Dict):
                yield from self._extras(value)
            elif (keyword.arg in _KEYWORDS or keyword.arg == "extras_require") and not isinstance(value, ast.Name):
                self._computed(keyword.arg, value)
                yield value
            else:
                yield keyword

    def _extras(self, table: ast.Dict) -> Iterator[ast.AST]:
        for extra, listed in zip(table.keys, table.values, strict=True):
            key = self._source.string(extra) if extra is not None else None
            context = f"extra {key.text}" if key else ""
            if isinstance(listed, (ast.List, ast.Tuple)):
                self._requirements(listed.elts, context)
                continue
            if not isinstance(listed, ast.Name):
                self._computed(context or "an extra", listed)
            yield listed

    def _computed(self, what: str, value: ast.expr) -> None:
        offset = self._source.segment(value).start
        self._contents.cannot_read(offset, f"{what} is computed: {shortened(ast.unparse(value))}")

    def _requirements(self, elements: Sequence[ast.expr], context: str) -> None:
        for element in elements:
            argument = self._source.argument(element, self._known)
            pin = None if argument.unknown else self._requirement(argument.piece, context)
            self._contents.add(pin)
            if pin is None:
                offset = self._source.segment(element).start
                shown = shortened(argument.unknown or argument.piece.text)
                self._contents.cannot_read(offset, f"{shown} is only known when it runs")

    def _requirement(self, piece: Piece, context: str = "") -> Pin | None:
        return read_requirement(self._contents.document, piece, context=context)

    def _sequence(self, elements: Sequence[ast.expr], node: ast.expr) -> Iterator[ast.AST]:
        if not elements or self._command(elements, node):
            return
        if len(elements) > _MOST_STRINGS or not any(map(_names_version, elements)):
            yield from elements
            return
        strings = [self._source.argument(element, self._known) for element in elements]
        texts = [one for one in strings if not one.unknown]
        if len(texts) == len(elements) and any(_DOTTED.search(one.piece.text) for one in texts):
            pins = [self._requirement(one.piece) for one in texts]
            if all(pins):
                for pin in pins:
                    self._contents.add(pin)
                return
        yield from elements

    def _command(self, elements: Sequence[ast.expr], node: ast.expr) -> bool:
        """``[sys.executable, "-m", "pip", "install", "torch==2.3.1"]``."""
        words = [element.value if isinstance(element, ast.Constant) else None for element in elements]
        if "install" not in words:
            return False
        arguments = [self._source.argument(element, self._known) for element in elements]
        first = next((index for index, one in enumerate(arguments) if one.piece.text == "install"), 0)
        if "pip" not in words[:first] and "conda" not in words[:first]:
            if first:
                return False
            arguments = [Argument(Piece("pip", range(4))), *arguments]
        step = read_command(self._contents.document, arguments, self._source.segment(node))
        if step is not None:
            self._contents.add_step(step)
        return step is not None

    def _table(self, node: ast.Dict) -> Iterator[ast.AST]:
        """``{"torch": ">=2.3"}``, and ``{"torch": "torch>=2.3"}``."""
        keys = [self._source.string(key) if key is not None else None for key in node.keys]
        values = [self._source.string(value) for value in node.values]
        pairs = [(key, value) for key, value in zip(keys, values, strict=True) if key is not None and value is not None]
        if len(pairs) == len(keys) and pairs:
            pins = [self._row(key, value) for key, value in pairs]
            if all(pins) and any(pin is not None and pin.clauses for pin in pins):
                for pin in pins:
                    self._contents.add(pin)
                return
        yield from node.values

    def _row(self, key: Piece, value: Piece) -> Pin | None:
        document = self._contents.document
        if _VERSION.fullmatch(value.text):
            return read_ranged(
                document, key.text, value, at=key, notation=Notation.EXACT, role=Role.VARIABLE, context="table"
            )
        if value.text.strip() in ("", "*") or specifier(value.text, Notation.PEP440):
            return read_ranged(document, key.text, value, at=key, notation=Notation.PEP440)
        pin = read_requirement(document, value)
        return pin if pin is not None and pin.name == normalise(key.text) else None

    def _alone(self, node: ast.Constant | ast.JoinedStr, *, wanted: bool = True) -> None:
        """A string by itself. Handed to a function that installs nothing (``RequirementCache("torch<2.6")``) it is a
        test of what is there, and wants no version.
        """
        argument = self._source.argument(node, self._known)
        text = argument.piece.text
        if len(text) > 4096:
            return
        if _COMMAND.match(text) or (_BARE_INSTALL.match(text) and _OPERATOR_AND_VERSION.search(text)):
            self._shell(self._source.command(node, self._known))
        elif not argument.unknown and _DOTTED.search(text):
            pin = self._requirement(argument.piece)
            if pin is not None and not wanted:
                pin = replace(pin, role=Role.VARIABLE, context="test")
            document = self._contents.document
            self._contents.pins.extend([pin] if pin is not None else several(document, argument.piece))

    def _shell(self, piece: Piece) -> None:
        if _BARE_INSTALL.match(piece.text):
            piece = Piece("pip " + piece.text, [piece.start] * 4 + list(piece.places))
        read_shell(self._contents, piece, Variables())

    def _variables(self) -> None:
        used = self._contents.rewritable_at()
        for name, value in self._known.items():
            if value.start not in used:
                self._contents.add(version_variable(self._contents.document, name, value))


def _names_version(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(_DOTTED.search(node.value))


def _likely_lines(text: str) -> list[int]:
    found: list[int] = []
    line, position = 1, 0
    for match in _LIKELY.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        found.append(line)
    return found


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_test(path: PurePosixPath) -> bool:
    folders = {"test", "tests", "testing"}
    return path.name.startswith("test_") or path.name == "conftest.py" or not folders.isdisjoint(path.parts[:-1])


SETUP = Format(name="setup.py", kind=FileKind.MANIFEST, matches=lambda path: path.name == "setup.py", read=read)
SOURCE = Format(
    name="python",
    kind=FileKind.SOURCE,
    matches=lambda path: path.suffix == ".py" and not _is_test(path),
    read=read,
    hint=re.compile(_HINT.encode(), re.MULTILINE),
)
