"""Text of a log → the lines that may say what failed, without what a logger or a CI system puts before them.

A long log repeats itself: lines that differ in their digits alone are looked at once, at their first and last place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

MOST_CHARACTERS = 1_000_000
"""Of a digest. The middle of more is left out."""
_SEARCHED = 400_000
"""Characters of distinct lines that every anchor is looked for in: half of it at each end. In between, a line is
found by the words below, as nearly every error is."""
_BEFORE, _AFTER = 40, 14
"""Lines kept around one that says something."""
_LONGEST = 2000
"""Characters of a line; a longer one is taken in pieces."""
_MOST_PLACES = 4000
"""At which one text is looked at, from each end."""

_WORDS = (
    "Error", "ERROR", "error", "Exception", "Traceback", "arning", "WARN", "annot ", "an't ", "ould not ", "ouldn't ",
    "not found", "not available", "not compatible", "not supported", "not implemented", "does not", "No module",
    "has no attribute", "ailed", "nable to", "ncompatible", "onflict", "is required", "undefined symbol", "egmentation",
    "Abort", "version", "==", "Successfully installed", "already satisfied", "\ntorch ", "\nnumpy ", "\ntorchvision ",
    "\ntransformers ",
)  # fmt: skip
"""What a line that may say something holds, beside the anchors of signatures."""
_DIGITS = b"0123456789"

_PREFIX = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?(?: - |[ \t]|$)"
    r"|\[[ \d:./,TZ-]{8,40}\][ \t]?"
    r"|\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?[ \t]"
    r"|\[(?:rank|default|worker)\d{1,6}\]:?[ \t]?"
    r"|\([\w ]{0,60}pid=\d{1,10}[^)\n]{0,80}\)[ \t]?"
    r"|[\w.-]{1,60}[ \t]{1,30}\|[ \t]"
    r"|[^\t\n]{1,80}\t[^\t\n]{1,80}\t(?=\d{4}-\d\d)"
    r"|E[ \t]{3,8}(?=\S)"
    r"|##\[\w{1,12}\]|::error[^:\n]{0,200}::"
    r"|(?:>[ \t]){1,4}"
    r"|#\d{1,4}[ \t]\d{1,6}\.\d{1,4}[ \t]"
)
_MOST_PREFIXES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line, and its number (from 1) in the log."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The lines that may say something, in order."""

    lines: tuple[Line, ...]
    text: str
    """The lines, joined."""
    starts: tuple[int, ...]
    """Where each line begins in ``text``."""
    left_out: bool

    def line_at(self, position: int) -> int:
        """The index of the line that holds a position of ``text``."""
        return max(0, bisect_right(self.starts, position) - 1)

    def around(self, index: int, before: int, after: int) -> tuple[int, int]:
        """The part of ``text`` from some lines before a line to some lines after it."""
        first, last = max(0, index - before), min(len(self.lines) - 1, index + after)
        return self.starts[first], self.starts[last] + len(self.lines[last].text)


def digest(text: str, anchors: Iterable[str] = ()) -> Digest:
    """Gather the lines of a log that may say what failed.

    Args:
        text: the log.
        anchors: literal texts that make a line telling.
    """
    numbers, pieces = _pieces(text)
    places = _telling(pieces, tuple(anchors))
    lines = [
        Line(number=numbers[place], text=without_prefix(pieces[place]))
        for first, last in _windows(places, len(pieces))
        for place in range(first, last)
    ]
    kept = _bounded(lines)
    return _joined(kept, left_out=len(kept) < len(lines))


def without_prefix(line: str) -> str:
    """A line without timestamps, ranks, service names and such before it. Its own indentation stays."""
    position = 0
    for _ in range(_MOST_PREFIXES):
        match = _PREFIX.match(line, position)
        if match is None:
            break
        position = match.end()
    return line[position:]


def _pieces(text: str) -> tuple[Sequence[int], list[str]]:
    """The lines of a text and their numbers. Long ones are taken in pieces, each with the number of its line."""
    lines = text.split("\n")
    if max(map(len, lines)) <= _LONGEST and "\\n" not in text:
        return range(1, len(lines) + 1), lines
    pairs = [(number, piece) for number, line in enumerate(lines, start=1) for piece in _split(line)]
    return [number for number, _ in pairs], [piece for _, piece in pairs]


def _split(line: str) -> Iterator[str]:
    """A line in pieces: where a structured log has escaped a traceback's line breaks, and wherever it is too long."""
    for part in line.split("\\n") if "Traceback" in line else (line,):
        if len(part) <= _LONGEST:
            yield part
        else:
            yield from (part[start : start + _LONGEST] for start in range(0, len(part), _LONGEST))


def _telling(pieces: list[str], anchors: tuple[str, ...]) -> list[int]:
    """Indices of the lines that may say something, in order."""
    distinct = _distinct(pieces)
    text = "\n" + "\n".join(pieces[place] for place in distinct)
    starts = list(accumulate((len(pieces[place]) + 1 for place in distinct), initial=1))
    found = {index for word in _WORDS for index in _places(text, word, starts)}
    rest = text if len(text) <= _SEARCHED else _ends(text)
    for anchor in anchors:
        # Nearly none of them is there: this is the quickest way to know.
        if anchor in rest:
            found.update(_places(text, anchor, starts))
    return sorted(distinct[index] for index in found)


def _distinct(pieces: list[str]) -> list[int]:
    """Of lines that differ in digits alone, the indices of the first and the last."""
    keys = "\n".join(pieces).encode("utf-8", "replace").translate(None, _DIGITS).split(b"\n")
    last = dict(zip(keys, range(len(keys)), strict=True))
    first = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
    return sorted({*first.values(), *last.values()})


def _ends(text: str) -> str:
    half = _SEARCHED // 2
    return text[:half] + text[-half:]


def _places(text: str, word: str, starts: list[int]) -> Iterator[int]:
    """Indices of the lines that hold a word, the first and the last of them where there are very many."""
    yield from islice(_forward(text, word, starts), _MOST_PLACES)
    yield from islice(_backward(text, word, starts), _MOST_PLACES)


def _forward(text: str, word: str, starts: list[int]) -> Iterator[int]:
    position = text.find(word)
    while position >= 0:
        index = bisect_right(starts, position + 1) - 1
        yield index
        position = text.find(word, starts[index + 1] - 1)


def _backward(text: str, word: str, starts: list[int]) -> Iterator[int]:
    position = text.rfind(word)
    while position >= 0:
        index = bisect_right(starts, position + 1) - 1
        yield index
        position = text.rfind(word, 0, max(0, starts[index]))


def _windows(places: Iterable[int], count: int) -> list[tuple[int, int]]:
    windows: list[tuple[int, int]] = []
    for place in places:
        first, last = max(0, place - _BEFORE), min(count, place + _AFTER + 1)
        if windows and first <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(last, windows[-1][1]))
        else:
            windows.append((first, last))
    return windows


def _bounded(lines: list[Line]) -> list[Line]:
    if sum(len(line.text) + 1 for line in lines) <= MOST_CHARACTERS:
        return lines
    head = _up_to(lines, MOST_CHARACTERS // 2)
    tail = _up_to(lines[::-1], MOST_CHARACTERS // 2)
    return lines[:head] + lines[len(lines) - tail :]


def _up_to(lines: list[Line], most: int) -> int:
    total = 0
    for count, line in enumerate(lines):
        total += len(line.text) + 1
        if total > most:
            return count
    return len(lines)


def _joined(lines: list[Line], *, left_out: bool) -> Digest:
    starts: list[int] = []
    position = 0
    for line in lines:
        starts.append(position)
        position += len(line.text) + 1
    return Digest(
        lines=tuple(lines), text="\n".join(line.text for line in lines), starts=tuple(starts), left_out=left_out
    )
