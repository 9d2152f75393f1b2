"""JSON with places: ``json`` says whether a document is valid, and not where a string stands.

Source: RFC 8259. Only strings are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchlink.read.pins.entries import Entry
from torchlink.read.pins.text import Piece
from torchlink.read.pins.toml import unescaped

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_OTHER = re.compile(r'[^"\[\]{},:]+')
MOST_DEPTH = 200


def strings(piece: Piece) -> Iterator[Entry]:
    """Every string value of a document, in its order, as far as it is JSON."""
    containers: list[str | int] = []  # the key, or the place, of what is read now, of each container around it
    opened: list[str] = []
    keys: list[Piece | None] = []
    position, text, expects_key = 0, piece.text, False
    while position < len(text) and len(opened) <= MOST_DEPTH:
        character = text[position]
        if character == '"':
            match = _STRING.match(text, position)
            if match is None:
                return
            value = _decoded(piece.part(*match.span(1)))
            if expects_key:
                containers[-1], keys[-1] = value.text, value
            else:
                yield Entry(tuple(containers), value, keys[-1] if keys else None)
            position = match.end()
            continue
        if character in "{[":
            opened.append(character)
            containers.append("" if character == "{" else 0)
            keys.append(None)
            expects_key = character == "{"
        elif character in "}]" and opened:
            opened.pop()
            containers.pop()
            keys.pop()
            expects_key = False
        elif character == ":":
            expects_key = False
        elif character == "," and opened:
            expects_key = opened[-1] == "{"
            last = containers[-1]
            if isinstance(last, int):
                containers[-1] = last + 1
        else:
            other = _OTHER.match(text, position)
            position = other.end() if other else position + 1
            continue
        position += 1


def _decoded(raw: Piece) -> Piece:
    return unescaped(raw) if "\\" in raw.text else raw
