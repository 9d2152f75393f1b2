"""The commands of shell text, in their order, with the variables that are known where each stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from torchlink.read.pins.shell import Expansion, Literal, Opaque, Operator, Part, Redirection, Token, Word, tokens
from torchlink.read.pins.text import Piece, join

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)(?P<add>\+?)=")
_DECLARING = frozenset({"export", "declare", "local", "readonly", "typeset"})
_OPENING = frozenset({"if", "while", "until"})
_SKIPPED = frozenset({"then", "do", "!", "time", "{", "}", "function"})
_CLOSING = frozenset({"fi", "done", "esac"})
_MOST_DEPTH = 8
_SPACE = re.compile(r"\S+")


class Variables(dict[str, tuple[Piece, ...]]):
    """What is known of the variables at this point: a piece for each, or several for an array."""

    def __init__(self, known: Mapping[str, tuple[Piece, ...]] | None = None) -> None:
        super().__init__(known or {})
        self.history: list[tuple[str, Piece]] = []
        """Every value that was ever assigned."""

    def assign(self, name: str, values: Sequence[Piece]) -> None:
        """Set a variable; without a value it is not known from here on."""
        self.history.extend((name, value) for value in values)
        if values:
            self[name] = tuple(values)
        else:
            self.pop(name, None)


@dataclass(frozen=True, slots=True)
class Argument:
    """One word after its variables are put in."""

    piece: Piece
    unknown: str = ""
    """What in it only a run would show, as it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One simple command."""

    arguments: tuple[Argument, ...]
    at: Piece
    """As it is written, from its first word to its last."""
    condition: str = ""
    tolerated: bool = False
    redirections: tuple[Redirection, ...] = ()


@dataclass(slots=True)
class _Flow:
    whole: Piece
    variables: Variables
    make: bool
    words: list[Word] = field(default_factory=list)
    redirections: list[Redirection] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    asking: bool = False
    """Whether the commands that run are those of a condition."""
    array: str = ""
    array_words: list[Word] = field(default_factory=list)

    def commands(self) -> Iterator[Command]:
        line: list[Command] = []  # here-documents follow the line that their commands stand in
        ended = False
        for token in tokens(self.whole, make=self.make):
            if isinstance(token, Redirection) and token.text is not None:
                line = [_with(command, token) for command in line]
                continue
            if ended:
                yield from line
                line, ended = [], False
            finished = self.take(token)
            if finished is not None:
                line.append(finished)
            ended = isinstance(token, Operator) and token.text == "\n"
        last = self.finish("\n")
        yield from line
        if last is not None:
            yield last

    def take(self, token: Token) -> Command | None:
        if isinstance(token, Redirection):
            self.redirections.append(token)
            return None
        if isinstance(token, Word):
            (self.array_words if self.array else self.words).append(token)
            return None
        if self.array:
            if token.text == ")":
                self.variables.assign(
                    self.array, [piece for word in self.array_words for piece in _known(self.expand(word))]
                )
                self.array, self.array_words = "", []
            return None
        if token.text == "(" and self.words and (name := _array_name(self.words[-1])):
            self.array = name
            self.words.pop()
            return None
        if token.text == ")" and self.conditions and self.conditions[-1].startswith("case "):
            self.conditions[-1] = f"{self.conditions[-1].partition(' in ')[0]} in {_written(self.words)}"
            self.words = []
            return None
        return self.finish(token.text)

    def finish(self, operator: str) -> Command | None:
        words, self.words = self.words, []
        redirections, self.redirections = self.redirections, []
        words = self.keywords(words)
        while words and self.assignment(words[0]):
            words = words[1:]
        if not words:
            return None
        if words[0].literal in _DECLARING:
            for word in words[1:]:
                self.assignment(word)
        at = _span(words, redirections)
        arguments = tuple(argument for word in words for argument in self.expand(word))
        return Command(
            arguments=arguments,
            at=at,
            condition=" and ".join(one for one in self.conditions if one),
            tolerated=operator == "||",
            redirections=tuple(redirections),
        )

    def keywords(self, words: list[Word]) -> list[Word]:
        while words and (word := words[0].literal):
            if word in _OPENING:
                self.conditions.append(f"{word} {_written(words[1:])}" if word == "if" else "")
            elif word == "elif":
                self.replace_condition(f"if {_written(words[1:])}")
            elif word == "else":
                top = self.conditions[-1] if self.conditions else ""
                self.replace_condition(f"else of {top}" if top else "")
            elif word in _CLOSING:
                if self.conditions:
                    self.conditions.pop()
            elif word == "for":
                self.conditions.append("")
                self.loop(words[1:])
                return []
            elif word == "case":
                self.conditions.append(f"case {_written(words[1:2])} in ")
                return []
            elif word not in _SKIPPED:
                return words
            words = words[1:]
        return words

    def replace_condition(self, text: str) -> None:
        if self.conditions:
            self.conditions[-1] = text

    def loop(self, words: list[Word]) -> None:
        """``for NAME in a b c``: each value is installed in its turn, so all of them are."""
        if len(words) > 2 and words[1].literal == "in":
            values = [piece for word in words[2:] for piece in _known(self.expand(word))]
            self.variables.assign(words[0].literal, values)

    def assignment(self, word: Word) -> bool:
        first = word.parts[0]
        match = _ASSIGNMENT.match(first.piece.text) if isinstance(first, Literal) and not first.quoted else None
        if match is None or not isinstance(first, Literal):
            return False
        value = Word((Literal(first.piece.part(match.end())), *word.parts[1:]))
        known = [argument.piece for argument in self.expand(value, split=False) if not argument.unknown]
        if match["add"]:
            before = self.variables.get(match["name"], ())
            self.variables.assign(match["name"], [join([*before, *known])] if known else [])
        else:
            self.variables.assign(match["name"], known)
        return True

    def expand(self, word: Word, *, split: bool = True, depth: int = 0) -> list[Argument]:
        """The arguments that a word becomes: one, or several where an unquoted variable holds spaces."""
        finished: list[Argument] = []
        pieces: list[Piece] = []
        unknown = ""
        for part in word.parts:
            values = self.values(part, depth)
            if values is None:
                unknown = unknown or _text_of(part)
                continue
            if isinstance(part, Expansion) and split and not part.quoted:
                values = [value.part(*one.span()) for value in values for one in _SPACE.finditer(value.text)]
            for value in values[:-1]:
                finished.append(Argument(join([*pieces, value]), unknown))
                pieces, unknown = [], ""
            if values:
                pieces.append(values[-1])
        if pieces or unknown or (not finished and not _vanishes(word)):
            finished.append(Argument(join(pieces) if pieces else _first(word), unknown))
        return finished

    def values(self, part: Part, depth: int) -> list[Piece] | None:
        if isinstance(part, Literal):
            return [part.piece]
        if isinstance(part, Opaque):
            return None
        if part.name in self.variables:
            return list(self.variables[part.name])
        if part.default is None or depth >= _MOST_DEPTH:
            return None
        found = [token for token in tokens(part.default, make=self.make) if isinstance(token, Word)]
        values = [argument for word in found for argument in self.expand(word, split=False, depth=depth + 1)]
        return None if any(one.unknown for one in values) else [one.piece for one in values]


def _with(command: Command, body: Redirection) -> Command:
    """The command with the text of a here-document, if it opened that one."""
    if not any(one.at == body.at for one in command.redirections):
        return command
    return replace(command, redirections=(*command.redirections, body))


def _array_name(word: Word) -> str:
    match = _ASSIGNMENT.fullmatch(word.literal)
    return match["name"] if match else ""


def _known(arguments: list[Argument]) -> list[Piece]:
    return [one.piece for one in arguments if not one.unknown]


def _vanishes(word: Word) -> bool:
    """An unquoted variable that is empty leaves no argument."""
    return all(isinstance(part, Expansion) and not part.quoted for part in word.parts)


def _piece_of(part: Part) -> Piece:
    return part.piece if isinstance(part, Literal) else part.at


def _text_of(part: Part) -> str:
    return _piece_of(part).text


def _first(word: Word) -> Piece:
    piece = _piece_of(word.parts[0])
    return piece.part(0, 0)


def _written(words: list[Word]) -> str:
    return " ".join("".join(_text_of(part) for part in word.parts) for word in words)[:80]


def _span(words: list[Word], redirections: list[Redirection]) -> Piece:
    first, last = _piece_of(words[0].parts[0]), _piece_of(words[-1].parts[-1])
    ends = [last.end, *(one.at.end for one in redirections)]
    length = max(ends) - first.start
    return Piece(" " * max(length, 0), range(first.start, first.start + max(length, 0) + 1))


def commands(piece: Piece, variables: Variables | None = None, *, make: bool = False) -> Iterator[Command]:
    """The simple commands of shell text. What the text assigns is put into ``variables`` on the way. Never fails."""
    return _Flow(piece, Variables() if variables is None else variables, make).commands()
