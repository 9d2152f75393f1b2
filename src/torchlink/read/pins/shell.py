"""Shell text as words: enough of POSIX sh and bash to see which commands run and what their words are.

A reader of our own, and none from a library: ``shlex`` gives no places and knows no operators, bashlex is GPL, and a
tree-sitter grammar would put compiled code into the base install for what is one page here. It never fails: what only
a run would show (``$(...)``, ``$1``) is a word that says so. The text may be a file or a piece of one: a recipe of a
Makefile, a ``RUN`` of a Dockerfile, a cell of a notebook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from torchlink.read.pins.text import Piece

_PLAIN = re.compile(r"[^\s\\'\"$`|&;<>()]+")
_BLANK = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_OPERATOR = re.compile(r"\n|&&|\|\||;;&?|;&|\|&|[|&;()]")
_REDIRECTION = re.compile(r"(?:\d+|\{\w+\})?(?:<<<|<<-|<<|<>|<&|>&|>>|>\||&>>|&>|<|>)")
_NAME = re.compile(r"[A-Za-z_]\w*")
_IN_DOUBLE = re.compile(r'[^\\"$`]+')
_HEREDOC_END = re.compile(r"^", re.MULTILINE)
_DEFAULTS = (":-", "-", ":=", "=")
MOST_WORDS = 200_000


@dataclass(frozen=True, slots=True)
class Literal:
    """Characters that stand for themselves."""

    piece: Piece
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Expansion:
    """``$NAME``, ``${NAME:-default}``, ``$(NAME)`` of a Makefile."""

    name: str
    at: Piece
    default: Piece | None = None
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Opaque:
    """What only a run would show."""

    at: Piece


Part = Literal | Expansion | Opaque


@dataclass(frozen=True, slots=True)
class Word:
    """One word, in parts."""

    parts: tuple[Part, ...]

    @property
    def literal(self) -> str:
        """Its text where every part is literal, else empty."""
        texts = [part.piece.text for part in self.parts if isinstance(part, Literal)]
        return "".join(texts) if len(texts) == len(self.parts) else ""


@dataclass(frozen=True, slots=True)
class Operator:
    """``&&``, ``;``, a line break, a parenthesis."""

    text: str


@dataclass(frozen=True, slots=True)
class Redirection:
    """``> file``, or a here-document with its text."""

    operator: str
    target: Word | None
    at: Piece
    text: Piece | None = None


Token = Word | Operator | Redirection


@dataclass(slots=True)
class _Lexer:
    piece: Piece
    make: bool
    position: int = 0
    heredocs: list[tuple[Redirection, str, bool]] = field(default_factory=list)
    done: list[Redirection] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.piece.text

    def tokens(self) -> Iterator[Token]:
        count = 0
        while self.position < len(self.text) and count < MOST_WORDS:
            count += 1
            if blank := _BLANK.match(self.text, self.position):
                self.position = blank.end()
            elif self.text[self.position] == "#":
                end = self.text.find("\n", self.position)
                self.position = len(self.text) if end < 0 else end
            elif redirection := _REDIRECTION.match(self.text, self.position):
                yield self.redirection(redirection.group())
            elif operator := _OPERATOR.match(self.text, self.position):
                self.position = operator.end()
                yield Operator(operator.group())
                if operator.group() == "\n":
                    yield from self.bodies()
            else:
                yield self.word()

    def redirection(self, operator: str) -> Redirection:
        start = self.position
        self.position += len(operator)
        if blank := _BLANK.match(self.text, self.position):
            self.position = blank.end()
        has_target = self.position < len(self.text) and not _OPERATOR.match(self.text, self.position)
        target = self.word() if has_target else None
        found = Redirection(operator.lstrip("0123456789"), target, self.piece.part(start, self.position))
        if found.operator in ("<<", "<<-") and target is not None and target.literal:
            self.heredocs.append((found, target.literal, found.operator == "<<-"))
        return found

    def bodies(self) -> Iterator[Redirection]:
        """The texts of the here-documents whose line has ended."""
        pending, self.heredocs = self.heredocs, []
        for opened, end, tabs in pending:
            start = self.position
            while self.position < len(self.text):
                stop = self.text.find("\n", self.position)
                line = self.text[self.position : len(self.text) if stop < 0 else stop].rstrip("\r")
                begin, self.position = self.position, len(self.text) if stop < 0 else stop + 1
                if (line.lstrip("\t") if tabs else line) == end:
                    yield Redirection("<<", opened.target, opened.at, self.piece.part(start, begin))
                    break
            else:
                yield Redirection("<<", opened.target, opened.at, self.piece.part(start))

    def word(self) -> Word:
        parts: list[Part] = []
        start = self.position
        while self.position < len(self.text):
            character = self.text[self.position]
            if plain := _PLAIN.match(self.text, self.position):
                parts.append(Literal(self.piece.part(*plain.span())))
                self.position = plain.end()
            elif character == "\\":
                parts.extend(self.escaped())
            elif character == "'":
                parts.append(self.single())
            elif character == '"':
                parts.extend(self.double())
            elif character in "$`":
                parts.append(self.expansion(quoted=False))
            elif character == "(" and parts and self.position > start and self.text[self.position - 1] == "=":
                break
            else:
                break
        if not parts:  # a character that begins nothing: it stands for itself
            parts.append(Literal(self.piece.part(self.position, self.position + 1)))
            self.position += 1
        return Word(tuple(parts))

    def escaped(self) -> Iterator[Part]:
        following = self.text[self.position + 1 : self.position + 2]
        if following not in ("\n", "\r"):
            yield Literal(self.piece.part(self.position + 1, self.position + 2), quoted=True)
        self.position += 2 + (self.text[self.position + 1 : self.position + 3] == "\r\n")

    def single(self) -> Part:
        end = self.text.find("'", self.position + 1)
        end = len(self.text) if end < 0 else end
        found = Literal(self.piece.part(self.position + 1, end), quoted=True)
        self.position = end + 1
        return found

    def double(self) -> Iterator[Part]:
        self.position += 1
        yield Literal(self.piece.part(self.position, self.position), quoted=True)
        while self.position < len(self.text):
            character = self.text[self.position]
            if character == '"':
                self.position += 1
                return
            if plain := _IN_DOUBLE.match(self.text, self.position):
                yield Literal(self.piece.part(*plain.span()), quoted=True)
                self.position = plain.end()
            elif character == "\\":
                yield from self.escaped()
            else:
                yield self.expansion(quoted=True)

    def expansion(self, *, quoted: bool) -> Part:
        start = self.position
        text = self.text
        if text[start] == "`":
            end = text.find("`", start + 1)
            return self.opaque(start, end)
        following = text[start + 1 : start + 2]
        if following == "{":
            return self.braced(start, _closing(text, start + 1, "{", "}"), quoted)
        if following == "(":
            end = _closing(text, start + 1, "(", ")")
            name = text[start + 2 : end].strip() if end >= 0 else ""
            if self.make and _NAME.fullmatch(name):
                self.position = end + 1
                return Expansion(name, self.piece.part(start, end + 1), quoted=quoted)
            return self.opaque(start, end)
        if self.make and following == "$":
            self.position = start + 1
            return Literal(self.piece.part(start, start)) if start + 2 >= len(text) else self.expansion(quoted=quoted)
        if name_match := _NAME.match(text, start + 1):
            self.position = name_match.end()
            return Expansion(name_match.group(), self.piece.part(start, name_match.end()), quoted=quoted)
        if following in ("", " ", "\t", "\n", '"'):
            self.position = start + 1
            return Literal(self.piece.part(start, start + 1))
        return self.opaque(start, start + 1)

    def braced(self, start: int, end: int, quoted: bool) -> Part:
        name = _NAME.match(self.text, start + 2)
        if end < 0 or name is None:
            return self.opaque(start, end)
        rest = self.piece.part(name.end(), end)
        self.position = end + 1
        at = self.piece.part(start, end + 1)
        if rest.text in ("", "[@]", "[*]"):
            return Expansion(name.group(), at, quoted=quoted and rest.text != "[@]")
        for sign in _DEFAULTS:
            if rest.text.startswith(sign):
                return Expansion(name.group(), at, default=rest.part(len(sign)), quoted=quoted)
        return Opaque(at)

    def opaque(self, start: int, end: int) -> Opaque:
        self.position = len(self.text) if end < 0 else end + 1
        return Opaque(self.piece.part(start, self.position))


def _closing(text: str, start: int, opening: str, closing: str) -> int:
    """Where the bracket that opens at ``start`` closes; -1 where it never does."""
    depth = 0
    for index in range(start, len(text)):
        if text[index] == opening:
            depth += 1
        elif text[index] == closing:
            depth -= 1
            if depth == 0:
                return index
    return -1


def tokens(piece: Piece, *, make: bool = False) -> Iterator[Token]:
    """The words, operators and redirections of shell text. Never fails.

    Args:
        piece: The text.
        make: Whether it is a recipe of a Makefile, in which ``$(NAME)`` is a variable and ``$$`` a dollar sign.
    """
    return _Lexer(piece, make).tokens()
