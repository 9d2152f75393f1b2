"""Makefiles: variables and recipes."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from torchlink.model.pins import FileKind
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.script import Variables
from torchlink.read.pins.shell_script import HINT, add_variables, read_shell
from torchlink.read.pins.text import Piece

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][\w.-]*)\s*(?:\?|::?:?|\+|!)?=\s*(?P<value>.*)$")
_RULE = re.compile(r"(?P<target>[^\s:#=][^:#=]*?)\s*::?(?!=)")
_PREFIX = re.compile(r"[@+\s-]*")


def read(contents: Contents) -> None:
    """Read a Makefile."""
    variables = Variables()
    target = ""
    for line in _logical_lines(contents.document.whole):
        if line.text.startswith("\t"):
            prefix = _PREFIX.match(line.text)
            command = line.part(prefix.end() if prefix else 0)
            read_shell(contents, command, variables, make=True, context=f"target {target}" if target else "")
        elif assignment := _ASSIGNMENT.match(line.text):
            value = line.part(*assignment.span("value"))
            comment = value.text.find(" #")
            variables.assign(assignment["name"], [(value.part(0, comment) if comment >= 0 else value).stripped()])
        elif rule := _RULE.match(line.text):
            target = rule["target"].split()[0]
    add_variables(contents, variables)


def _logical_lines(text: Piece) -> list[Piece]:
    """Lines, joined where a backslash ends them; the shell text of a recipe keeps its backslashes."""
    found: list[Piece] = []
    start = position = 0
    for line in text.text.split("\n"):
        position += len(line) + 1
        if not line.rstrip("\r").endswith("\\"):
            found.append(text.part(start, min(position - 1, len(text.text))))
            start = position
    if start < len(text.text):
        found.append(text.part(start))
    return found


def _matches(path: PurePosixPath) -> bool:
    return path.name.lower() in ("makefile", "gnumakefile", "justfile") or path.suffix in (".mk", ".mak")


FORMAT = Format(name="Makefile", kind=FileKind.SCRIPT, matches=_matches, read=read, hint=HINT)
