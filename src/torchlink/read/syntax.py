"""Python source → ``ast``, also where it is written for a newer Python than the one that runs torchlink.

``ast`` knows the syntax of its own Python alone, and NumPy 2.5 is written for 3.12. What 3.12 and 3.13 added for types
(PEP 695 and 696: ``type X = ...``, ``def f[T](...)``, ``class C[T = int]``) runs nothing when a module is imported, so
an older parser is given the source without it, on the same lines. Strings of PEP 701 are left: they do not parse.
"""

from __future__ import annotations

import ast
import io
import keyword
import sys
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_OLDEST = (3, 13)
"""The oldest Python whose ``ast`` knows that syntax."""
_SHALLOW = 64 * 1024
"""Shorter source cannot nest as deep as a stack of 8 MB is."""
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_BETWEEN = frozenset({tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT})
_Names = dict[tuple[int, str], list[str]]


def parse(source: bytes | str) -> ast.Module:
    """Parse a module. Generic classes and functions have their ``type_params``, whatever the Python.

    Raises SyntaxError, ValueError (null bytes), RecursionError or MemoryError where it does not parse.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _parsed(source)
        except SyntaxError:
            if sys.version_info >= _OLDEST:
                raise
            found = without_type_syntax(source)
            if found is None:
                raise
            text, names = found
            tree = _parsed(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            given = names.get((node.lineno, node.name), ())
            vars(node)["type_params"] = [ast.alias(name=name) for name in given]
    return tree


def _parsed(source: bytes | str) -> ast.Module:
    if sys.version_info < (3, 11) and len(source) > _SHALLOW:
        # ``ast`` of 3.10 runs out of stack over ``a.b.b.b...``, and takes the process with it; its compiler counts.
        compile(source, "<source>", "exec", dont_inherit=True)
    return ast.parse(source)


def without_type_syntax(source: bytes | str) -> tuple[str, _Names] | None:
    """A source for an older parser, and the type parameters by line and name; ``None`` where there is nothing to do.

    A ``type`` statement becomes an assignment of what is not known.
    """
    try:
        text = source if isinstance(source, str) else _decoded(source)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, ValueError, tokenize.TokenError):
        return None
    names: _Names = {}
    edits = list(_edits(tokens, names))
    if not edits:
        return None
    lines = text.splitlines(keepends=True)
    for edit in reversed(edits):
        edit.apply(lines)
    return "".join(lines), names


def _decoded(source: bytes) -> str:
    file = io.BytesIO(source)
    encoding, _ = tokenize.detect_encoding(file.readline)
    return io.TextIOWrapper(io.BytesIO(source), encoding).read()


@dataclass(frozen=True, slots=True)
class _Edit:
    """A part of a source to be replaced; rows are 1-based, columns count characters."""

    first: tuple[int, int]
    last: tuple[int, int]
    text: str
    end: str
    """What its line breaks become."""

    def apply(self, lines: list[str]) -> None:
        (first, begin), (last, end) = self.first, self.last
        after = lines[last - 1][end:]
        head = lines[first - 1][:begin] + self.text
        if first == last:
            lines[first - 1] = head + after
            return
        lines[first - 1] = head + self.end
        lines[first : last - 1] = [self.end] * (last - first - 1)
        lines[last - 1] = after


def _edits(tokens: Sequence[tokenize.TokenInfo], names: _Names) -> Iterator[_Edit]:
    is_start = True
    place = 0
    while place < len(tokens) - 3:
        token, name, after = tokens[place : place + 3]
        if name.type == tokenize.NAME and token.type == tokenize.NAME:
            if token.string in ("class", "def") and after.string == "[":
                end = _end_of_brackets(tokens, place + 2)
                names[token.start[0], name.string] = list(_parameters(tokens[place + 2 : end]))
                yield _Edit(after.start, tokens[end].end, "", "\\\n")
                place = end
            elif is_start and token.string == "type" and _is_alias(tokens, place):
                end = next(
                    (n for n in range(place, len(tokens)) if tokens[n].type == tokenize.NEWLINE), len(tokens) - 1
                )
                yield _Edit(token.start, tokens[end].start, f"{name.string} = await 0", "\n")
                place = end
        token = tokens[place]
        is_start = token.type in _BETWEEN or token.string == ";"
        place += 1


def _is_alias(tokens: Sequence[tokenize.TokenInfo], place: int) -> bool:
    if keyword.iskeyword(tokens[place + 1].string):
        return False
    after = place + 2
    if tokens[after].string == "[":
        after = _end_of_brackets(tokens, after) + 1
    return after < len(tokens) and tokens[after].string == "="


def _end_of_brackets(tokens: Sequence[tokenize.TokenInfo], place: int) -> int:
    """The place of the bracket that closes the one at a place; the last where none does."""
    depth = 0
    for number in range(place, len(tokens)):
        if tokens[number].type == tokenize.OP:
            depth += (tokens[number].string in _OPENING) - (tokens[number].string in _CLOSING)
            if depth == 0:
                return number
    return len(tokens) - 1


def _parameters(tokens: Sequence[tokenize.TokenInfo]) -> Iterator[str]:
    """The names in ``[T, *Ts, **P, U: int = str]``."""
    depth, is_first = 0, False
    for token in tokens:
        if token.type == tokenize.OP:
            depth += (token.string in _OPENING) - (token.string in _CLOSING)
            is_first = depth == 1 and (token.string in ("[", ",") or (is_first and token.string in ("*", "**")))
        elif token.type == tokenize.NAME and is_first:
            yield token.string
            is_first = False
