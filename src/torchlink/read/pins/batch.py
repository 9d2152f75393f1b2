"""Batch files and PowerShell scripts: their install commands, line by line."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from torchlink.model.pins import FileKind, Pin, Role
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.requirement import read_requirement
from torchlink.read.pins.script import Variables
from torchlink.read.pins.shell_script import HINT, add_variables, read_shell
from torchlink.read.pins.text import Piece, join

_PREFIX = re.compile(r"\s*(?:@|call\s+|&\s*)*", re.IGNORECASE)
_SET = re.compile(r"(?:@?set\s+\"?|\$(?:env:)?)(?P<name>[A-Za-z_]\w*)\s*=\s*[\"']?(?P<value>[^\"'\n]*)", re.IGNORECASE)
_VARIABLE = re.compile(r"%(?P<name>[A-Za-z_]\w*)%")
_QUOTED = re.compile(r"[\"'](?P<text>[A-Za-z][^\"'\s]*\d)[\"']")
_COMMENT = re.compile(r"\s*(?:rem\b|::|#)", re.IGNORECASE)


def read(contents: Contents) -> None:
    """Read a batch file or a PowerShell script."""
    variables = Variables()
    for line in _logical_lines(contents.document.whole):
        if _COMMENT.match(line.text):
            continue
        prefix = _PREFIX.match(line.text)
        command = line.part(prefix.end() if prefix else 0)
        if assignment := _SET.match(command.text):
            value = command.part(*assignment.span("value")).stripped()
            variables.assign(assignment["name"], [value])
            command = value
        read_shell(contents, _expanded(command, variables), variables)
        for quoted in _QUOTED.finditer(line.text):
            contents.add(_listed(contents, line.part(*quoted.span("text"))))
    add_variables(contents, variables)


def _listed(contents: Contents, text: Piece) -> Pin | None:
    """A string that is a requirement, in a list or a table of PowerShell, unless a command or variable has it."""
    if text.start in {pin.place.start for pin in contents.pins}:
        return None
    pin = read_requirement(contents.document, text, role=Role.VARIABLE, context="list")
    return pin if pin is not None and any("." in clause.version for clause in pin.clauses) else None


def _expanded(line: Piece, variables: Variables) -> Piece:
    parts: list[Piece] = []
    position = 0
    for match in _VARIABLE.finditer(line.text):
        if match["name"] in variables:
            parts += [line.part(position, match.start()), *variables[match["name"]]]
            position = match.end()
    return join([*parts, line.part(position)]) if parts else line


def _logical_lines(text: Piece) -> list[Piece]:
    found: list[Piece] = []
    pending: list[Piece] = []
    for line in text.lines():
        stripped = line.text.rstrip()
        if stripped.endswith(("^", "`")):
            pending.append(line.part(0, len(stripped) - 1))
            continue
        found.append(join([*pending, line]) if pending else line)
        pending = []
    return [*found, *([join(pending)] if pending else [])]


def _matches(path: PurePosixPath) -> bool:
    return path.suffix.lower() in (".bat", ".cmd", ".ps1")


FORMAT = Format(name="batch", kind=FileKind.SCRIPT, matches=_matches, read=read, hint=HINT)
