"""Text with its places: whatever a reader decodes, joins or unescapes, each character knows where it stands.

A command in a Dockerfile's continued lines, in a YAML block, in a JSON string or behind a variable is read by the same
code, and what is found there can be rewritten in the file.
"""

from __future__ import annotations

import codecs
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from torchlink.model.errors import UnreadableError
from torchlink.model.pins import Place

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BYTE_ORDER_MARK = "\ufeff"
_WINDOW = 10_000
"""Characters in which the next one of a value is looked for."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Decoded text, and where each character of it stands."""

    text: str
    places: Sequence[int]
    """An offset a character, and one more: where the piece ends."""

    def part(self, start: int, end: int | None = None) -> Piece:
        """The characters from ``start`` up to ``end``."""
        stop = len(self.text) if end is None else end
        return Piece(self.text[start:stop], self.places[start : stop + 1])

    def stripped(self) -> Piece:
        """Without white space at either end."""
        start = len(self.text) - len(self.text.lstrip())
        return self.part(start, max(start, len(self.text.rstrip())))

    @property
    def start(self) -> int:
        return self.places[0]

    @property
    def end(self) -> int:
        return self.places[len(self.text) - 1] + 1 if self.text else self.places[0]

    @property
    def whole(self) -> bool:
        """Whether its characters stand side by side in the file, as they are."""
        if isinstance(self.places, range):
            return True
        first = self.start
        return all(self.places[index] == first + index for index in range(len(self.text)))

    def lines(self) -> Iterator[Piece]:
        """Its lines, without their ends."""
        start = 0
        for line in self.text.split("\n"):
            yield self.part(start, start + len(line.rstrip("\r")))
            start += len(line) + 1


def join(pieces: Iterable[Piece]) -> Piece:
    """One piece after the other, as if they stood side by side."""
    parts = list(pieces)
    if len(parts) == 1:
        return parts[0]
    places: list[int] = []
    for piece in parts:
        places.extend(piece.places[: len(piece.text)])
    places.append(parts[-1].end if parts else 0)
    return Piece("".join(piece.text for piece in parts), places)


def aligned(raw: Piece, value: str) -> Piece:
    """Give each character of a decoded value the next place where its text shows it.

    Args:
        raw: The value as it is written, with quotes, escapes or indentation in between.
        value: The value.
    """
    places: list[int] = []
    position = 0
    for character in value:
        found = _next(raw.text, position, character)
        places.append(raw.places[position if found < 0 else found])
        position = position if found < 0 else found + 1
    places.append(raw.places[position])
    return Piece(value, places)


def _next(text: str, position: int, character: str) -> int:
    if character == " ":  # a line break that is folded is a space, and indentation is none
        return position if text[position : position + 1] in (" ", "\t", "\n", "\r") else -1
    return text.find(character, position, position + _WINDOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file, decoded so that encoding it again gives the same bytes."""

    file: str
    """Relative to the project, with forward slashes."""
    text: str
    encoding: str
    note: str = ""
    """Where it is not UTF-8: as what it was read."""
    _starts: list[int] = field(default_factory=list)

    @property
    def whole(self) -> Piece:
        """Everything but the byte order mark."""
        first = int(self.text.startswith(_BYTE_ORDER_MARK))
        return Piece(self.text[first:], range(first, len(self.text) + 1))

    def place(self, start: int, end: int) -> Place:
        """The place of the characters from ``start`` up to ``end``."""
        if not self._starts:
            self._starts.append(0)
            self._starts.extend(index + 1 for index, character in enumerate(self.text) if character == "\n")
        line = bisect_right(self._starts, start)
        column = start - self._starts[line - 1] + 1
        return Place(file=self.file, line=line, column=column, start=start, end=end)

    def place_of(self, piece: Piece) -> Place:
        """Where a piece stands; from its first character to the end of that run, where it stands in several places."""
        return self.place(piece.start, piece.end if piece.end >= piece.start else piece.start + 1)

    def line(self, offset: int) -> int:
        """The line of an offset, from 1."""
        return self.place(offset, offset).line


def decode(file: str, data: bytes) -> Document:
    """Decode a file; what is no UTF-8 is read as Latin-1, in which every byte is a character.

    Raises:
        UnreadableError: It is no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return Document(file=file, text=data.decode(encoding), encoding=encoding)
            except UnicodeDecodeError as error:
                raise UnreadableError(f"it begins as {encoding} and is none ({error.reason})", where=file) from None
    if b"\0" in data:
        raise UnreadableError("it is no text", where=file)
    try:
        return Document(file=file, text=data.decode("utf-8"), encoding="utf-8")
    except UnicodeDecodeError:
        note = "it is not UTF-8; read as Latin-1"
        return Document(file=file, text=data.decode("latin-1"), encoding="latin-1", note=note)
