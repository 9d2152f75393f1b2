"""TOML with places. ``tomllib`` says whether a document is valid and tomlkit keeps its style, but neither says where a
string stands, and neither reads on behind an error.

Source: TOML 1.0.0. Only strings are told; all else is passed over.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from torchlink.read.pins.entries import Entry, Path
from torchlink.read.pins.text import Piece

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_OTHER = re.compile(r"[^,\]}#\n]*")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\", "e": "\x1b"}
_LINE_END = re.compile(r"\\[ \t]*\r?\n[ \t\r\n]*")
_MOST_DEPTH = 60


class _Malformed(Exception):
    """The line cannot be read; the next one may."""


def problem(text: str) -> str:
    """Why a document is no valid TOML; empty where it is."""
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        return " ".join(str(error).split())
    return ""


def strings(piece: Piece) -> Iterator[Entry]:
    """Every string value of a document, in its order. Lines that cannot be read are passed over."""
    return _Scanner(piece).entries()


@dataclass(slots=True)
class _Scanner:
    piece: Piece
    position: int = 0
    table: Path = ()
    counts: dict[Path, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.piece.text

    def entries(self) -> Iterator[Entry]:
        while True:
            self.skip(_GAP)
            if self.position >= len(self.text):
                return
            try:
                if self.text[self.position] == "[":
                    self.header()
                else:
                    yield from self.pair(self.table, 0)
            except _Malformed:
                end = self.text.find("\n", self.position)
                self.position = len(self.text) if end < 0 else end

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.position)
        if match:
            self.position = match.end()

    def take(self, wanted: str) -> bool:
        if self.text.startswith(wanted, self.position):
            self.position += len(wanted)
            return True
        return False

    def header(self) -> None:
        several = self.text.startswith("[[", self.position)
        self.position += 1 + several
        keys = self.keys()
        self.skip(_SPACE)
        if not self.take("]]" if several else "]"):
            raise _Malformed
        path = self.counted(tuple(key.text for key in keys[: None if not several else -1]))
        if several:
            name = (*path, keys[-1].text)
            number = self.counts.get(name, -1) + 1
            self.counts[name] = number
            path = (*name, number)
        self.table = path

    def counted(self, keys: tuple[str, ...]) -> Path:
        """A path of keys with the place of the last element put behind each list of tables."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self.counts:
                path = (*path, self.counts[path])
        return path

    def keys(self) -> list[Piece]:
        found = []
        while True:
            self.skip(_SPACE)
            character = self.text[self.position : self.position + 1]
            if character in ('"', "'") and character:
                found.append(self.string())
            elif bare := _BARE.match(self.text, self.position):
                found.append(self.piece.part(*bare.span()))
                self.position = bare.end()
            else:
                raise _Malformed
            self.skip(_SPACE)
            if not self.take("."):
                return found

    def pair(self, table: Path, depth: int) -> Iterator[Entry]:
        keys = self.keys()
        if not self.take("="):
            raise _Malformed
        path = (*table, *(key.text for key in keys))
        yield from self.value(path, keys[-1], depth)

    def value(self, path: Path, key: Piece | None, depth: int) -> Iterator[Entry]:
        self.skip(_SPACE)
        character = self.text[self.position : self.position + 1]
        if depth > _MOST_DEPTH:
            raise _Malformed
        if character in ('"', "'") and character:
            yield Entry(path, self.string(), key)
        elif character == "[":
            yield from self.array(path, depth)
        elif character == "{":
            yield from self.inline(path, depth)
        else:
            self.skip(_OTHER)

    def array(self, path: Path, depth: int) -> Iterator[Entry]:
        self.position += 1
        place = 0
        while True:
            self.skip(_GAP)
            if self.take("]"):
                return
            before = self.position
            yield from self.value((*path, place), None, depth + 1)
            place += 1
            self.skip(_GAP)
            if (not self.take(",") and not self.text.startswith("]", self.position)) or self.position == before:
                raise _Malformed

    def inline(self, path: Path, depth: int) -> Iterator[Entry]:
        self.position += 1
        while True:
            self.skip(_GAP)
            if self.take("}"):
                return
            yield from self.pair(path, depth + 1)
            self.skip(_GAP)
            if not self.take(",") and not self.text.startswith("}", self.position):
                raise _Malformed

    def string(self) -> Piece:
        quote = self.text[self.position]
        triple = self.text.startswith(quote * 3, self.position)
        mark = quote * 3 if triple else quote
        start = self.position + len(mark)
        end = self.closing(start, mark)
        if triple and (line_end := re.compile(r"\r?\n").match(self.text, start)):
            start = line_end.end()
        self.position = end + len(mark)
        raw = self.piece.part(min(start, end), end)
        return raw if quote == "'" or "\\" not in raw.text else unescaped(raw)

    def closing(self, start: int, mark: str) -> int:
        position = start
        while True:
            end = self.text.find(mark, position)
            line = self.text.find("\n", position) if len(mark) == 1 else -1
            if end < 0 or 0 <= line < end:
                raise _Malformed
            if mark[0] == "'" or _backslashes(self.text, end, start) % 2 == 0:
                # Up to two quotes may stand before the three that close.
                while len(mark) == 3 and self.text.startswith(mark[0], end + 3) and end - position < len(self.text):
                    end += 1
                return end
            position = end + 1


def _backslashes(text: str, end: int, start: int) -> int:
    count = 0
    while end - count > start and text[end - count - 1] == "\\":
        count += 1
    return count


def unescaped(raw: Piece) -> Piece:
    """A basic string without its escapes; an unknown escape stays as it is."""
    characters: list[str] = []
    places: list[int] = []
    position = 0
    text = raw.text
    while position < len(text):
        at = raw.places[position]
        if text[position] != "\\":
            characters.append(text[position])
            places.append(at)
            position += 1
        elif ending := _LINE_END.match(text, position):
            position = ending.end()
        else:
            character, length = _escape(text, position)
            characters.append(character)
            places.append(at)
            position += length
    places.append(raw.end)
    return Piece("".join(characters), places)


def _escape(text: str, position: int) -> tuple[str, int]:
    sign = text[position + 1 : position + 2]
    if sign in _ESCAPES:
        return _ESCAPES[sign], 2
    length = {"x": 2, "u": 4, "U": 8}.get(sign, 0)
    digits = text[position + 2 : position + 2 + length]
    if length and re.fullmatch(rf"[0-9A-Fa-f]{{{length}}}", digits) and int(digits, 16) <= 0x10FFFF:
        return chr(int(digits, 16)), 2 + length
    return "\\", 1
