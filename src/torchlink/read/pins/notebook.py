"""Notebooks: ``!pip install``, ``%pip install`` and cells of shell text."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from torchlink.model.pins import FileKind
from torchlink.read.pins import json
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.script import Variables
from torchlink.read.pins.shell_script import HINT, read_shell
from torchlink.read.pins.text import Piece, join

_SHELL_CELL = re.compile(r"\s*%%(?:bash|sh|script\s+(?:ba)?sh|shell)\b[^\n]*\n?")
_SHELL_LINE = re.compile(r"\s*(?:!+|%(?=(?:pip|conda|mamba|uv)\b))(?P<command>.*)$")


def read(contents: Contents) -> None:
    """Read a notebook."""
    variables = Variables()
    for source in _cells(contents):
        if cell := _SHELL_CELL.match(source.text):
            read_shell(contents, source.part(cell.end()), variables)
            continue
        for command in _commands(source):
            read_shell(contents, command, variables)


def _cells(contents: Contents) -> list[Piece]:
    sources: dict[int, list[Piece]] = {}
    kinds: dict[int, str] = {}
    for entry in json.strings(contents.document.whole):
        match entry.path:
            case ("cells", int(number), "cell_type"):
                kinds[number] = entry.value.text
            case ("cells", int(number), "source", *_):
                sources.setdefault(number, []).append(entry.value)
            case _:
                pass
    if not kinds:
        contents.cannot_read(None, "it is no notebook that can be read")
    return [join(parts) for number, parts in sources.items() if kinds.get(number) == "code"]


def _commands(source: Piece) -> list[Piece]:
    """The shell commands of a cell; a backslash at a line's end continues it."""
    found: list[Piece] = []
    lines = list(source.lines())
    number = 0
    while number < len(lines):
        match = _SHELL_LINE.match(lines[number].text)
        if match is None:
            number += 1
            continue
        parts = [lines[number].part(match.start("command"))]
        while parts[-1].text.endswith("\\") and number + 1 < len(lines):
            number += 1
            parts[-1] = parts[-1].part(0, len(parts[-1].text) - 1)
            parts += [Piece(" ", range(parts[-1].end, parts[-1].end + 2)), lines[number]]
        found.append(join(parts))
        number += 1
    return found


def _matches(path: PurePosixPath) -> bool:
    return path.suffix == ".ipynb"


FORMAT = Format(name="notebook", kind=FileKind.SOURCE, matches=_matches, read=read, hint=HINT)
