"""Names, paths and symbols come from what is inspected: here they are made safe to print."""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_LONGEST = 4000


def printable(text: str) -> str:
    """Show control, format and surrogate characters as escapes, and cut text that is absurdly long.

    A package name that holds a terminal escape sequence, a right-to-left override or a line break thus can neither
    steer the terminal nor forge a line of the report.
    """
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text) - _LONGEST} more characters)"
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(_escaped(character) for character in shown)


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")
