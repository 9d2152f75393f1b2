"""String literals of Python source, as pieces with places, and the text that an f-string stands for."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from torchlink.read.pins.script import Argument
from torchlink.read.pins.text import Piece, aligned, join

_LITERAL = re.compile(r"(?P<prefix>[A-Za-z]{0,2})(?P<quote>'''|\"\"\"|'|\")(?P<body>.*)(?P=quote)", re.DOTALL)
_FIELD = re.compile(r"\{\s*(?P<name>[A-Za-z_]\w*)\s*\}")


class Source:
    """The text of one module, which finds nodes by their line and byte column."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._starts = [0]
        for match in re.finditer(r"\r\n|\r|\n", piece.text):
            self._starts.append(match.end())

    def segment(self, node: ast.expr) -> Piece:
        """The source of a node."""
        if node.end_lineno is None or node.end_col_offset is None:
            return self._piece.part(0, 0)
        start = self._offset(node.lineno, node.col_offset)
        return self._piece.part(start, max(start, self._offset(node.end_lineno, node.end_col_offset)))

    def _offset(self, line: int, column: int) -> int:
        start = self._starts[min(line, len(self._starts)) - 1]
        text = self._piece.text
        if text.isascii():
            return start + column
        stop = self._starts[line] if line < len(self._starts) else len(text)
        return start + len(text[start:stop].encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))

    def string(self, node: ast.expr) -> Piece | None:
        """The value of a string literal; ``None`` where the node is none."""
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            return None
        raw = self.segment(node)
        match = _LITERAL.fullmatch(raw.text)
        if match is not None and match["body"] == node.value:
            return raw.part(*match.span("body"))
        return aligned(raw, node.value) if raw.text else None

    def argument(self, node: ast.expr, known: Mapping[str, Piece]) -> Argument:
        """A string, or an f-string or name that module constants make one; what is not known is said."""
        if isinstance(node, ast.Name) and node.id in known:
            return Argument(known[node.id])
        if isinstance(node, ast.JoinedStr):
            return self._formatted(node, known)
        value = self.string(node)
        segment = self.segment(node)
        return Argument(segment.part(0, 0), segment.text or "?") if value is None else Argument(value)

    def command(self, node: ast.expr, known: Mapping[str, Piece]) -> Piece:
        """A string that is a command, with what is not known as the shell would write it: ``${name}``."""
        return (
            self._formatted(node, known, "$") if isinstance(node, ast.JoinedStr) else self.argument(node, known)
        ).piece

    def _formatted(self, node: ast.JoinedStr, known: Mapping[str, Piece], sign: str = "") -> Argument:
        raw = self.segment(node)
        match = _LITERAL.fullmatch(raw.text)
        if match is None or "\\" in raw.text or "{{" in raw.text:
            return Argument(raw.part(0, 0), raw.text or "?")
        body = raw.part(*match.span("body"))
        pieces: list[Piece] = []
        position, unknown = 0, ""
        for field in _FIELD.finditer(body.text):
            pieces.append(body.part(position, field.start()))
            if field["name"] in known:
                pieces.append(known[field["name"]])
            else:
                unknown = unknown or field.group()
                if sign:
                    start = body.part(field.start()).start
                    pieces += [Piece(sign, range(start, start + 1)), body.part(*field.span())]
            position = field.end()
        pieces.append(body.part(position))
        whole = join(pieces)
        if "{" in whole.text.replace("${", ""):
            return Argument(raw.part(0, 0), raw.text)
        return Argument(whole, unknown)
