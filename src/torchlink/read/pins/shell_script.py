"""Shell scripts, and shell text wherever it stands: install commands, and variables that hold versions."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from torchlink.model.pins import FileKind, Notation, Pin, Role, Step
from torchlink.read.pins.commands import read_command
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.requirement import read_ranged, read_requirement
from torchlink.read.pins.requirements_txt import read_lines
from torchlink.read.pins.script import Command, Variables, commands
from torchlink.read.pins.shell import Redirection
from torchlink.read.pins.text import Document, Piece

_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "/bin/bash", "/bin/sh"})
_VERSION_VARIABLE = re.compile(r"(?:.*[./])?(?P<name>[A-Za-z][A-Za-z0-9_-]*?)[_-]?(?:VERSION|VER|TAG)", re.IGNORECASE)
_VERSION = re.compile(r"v?\d+(?:\.\d+)+(?:[.+a-z0-9]*)?", re.IGNORECASE)
_REQUIREMENTS_FILE = re.compile(r"(?:.*/)?[\w.-]*(?:require|constraint)[\w.-]*\.(?:txt|in)")
_MOST_DEPTH = 4
COMMAND = re.compile(
    r"\s*(?:[\w./{}\"'-]*python[\w.}\"']*\s+-m\s+)?(?:uv\s+)?(?:pip3?|conda|mamba)\s+install\s+\S|\s*uv add\s+\S"
)
"""A text that begins as an install command."""

HINT = re.compile(
    rb"(?:pip3?|conda|mamba)\b.{0,200}?\binstall\b|\b(?:uv|poetry|pdm|pixi) add\b|[_A-Z]VERSION|[=<>~]=\s?\d"
)


def read(contents: Contents) -> None:
    """Read a shell script."""
    variables = Variables()
    read_shell(contents, contents.document.whole, variables)
    add_variables(contents, variables)


def read_shell(
    contents: Contents,
    text: Piece,
    variables: Variables,
    *,
    make: bool = False,
    context: str = "",
    depth: int = 0,
) -> None:
    """Read the install commands of shell text into ``contents``.

    Args:
        contents: Where they go.
        text: The text.
        variables: What is known before; what the text assigns is known after.
        make: Whether it is a recipe of a Makefile.
        context: What brings all of it in.
        depth: How many shells run around it.
    """
    for command in commands(text, variables, make=make):
        condition = " and ".join(part for part in (context, command.condition) if part)
        inner = _inner(command)
        if inner is not None and depth < _MOST_DEPTH:
            read_shell(contents, inner, variables, make=make, context=condition, depth=depth + 1)
        elif (step := _step(contents.document, command, condition)) is not None:
            contents.add_step(step)
        else:
            _written_file(contents, command)


def _step(document: Document, command: Command, condition: str) -> Step | None:
    redirected = [one.at.start for one in command.redirections if one.operator == ">" and _is_bound(one)]
    return read_command(
        document,
        command.arguments,
        command.at,
        condition=condition,
        tolerated=command.tolerated,
        redirected=redirected,
    )


def _is_bound(redirection: Redirection) -> bool:
    return redirection.target is not None and bool(re.match(r"=?\d", redirection.target.literal))


def _inner(command: Command) -> Piece | None:
    """The text that a command hands to another shell: ``bash -c '...'``, ``bash <<EOF``."""
    words = [one.piece.text for one in command.arguments]
    if not words or not any(word in _SHELLS for word in words[:4]):
        return None
    for index, word in enumerate(words[:-1]):
        if re.fullmatch(r"-[a-z]*c", word) and not command.arguments[index + 1].unknown:
            return command.arguments[index + 1].piece
    return next((one.text for one in command.redirections if one.text is not None), None)


def _written_file(contents: Contents, command: Command) -> None:
    """A here-document that becomes a requirements file."""
    text = next((one.text for one in command.redirections if one.text is not None), None)
    targets = [one.target.literal for one in command.redirections if one.operator in (">", ">>") and one.target]
    targets += [one.piece.text for one in command.arguments[1:] if command.arguments[0].piece.text == "tee"]
    name = next((target for target in targets if _REQUIREMENTS_FILE.fullmatch(target)), "")
    if text is not None and name:
        role = Role.CONSTRAINT if "constraint" in name else Role.REQUIREMENT
        read_lines(contents, text, role=role, context=f"written to {name}")


def add_variables(contents: Contents, variables: Variables) -> None:
    """Keep the variables that hold a requirement, or are named for a package and hold a version, and that no command
    uses.
    """
    used = contents.rewritable_at()
    for name, value in variables.history:
        pin = version_variable(contents.document, name, value) or _requirement_variable(contents.document, name, value)
        if pin is not None and not any(place.start in used for clause in pin.clauses for place in clause.places):
            contents.add(pin)


def _requirement_variable(document: Document, name: str, value: Piece) -> Pin | None:
    pin = read_requirement(document, value, role=Role.VARIABLE, context=name) if value.whole else None
    return pin if pin is not None and any("." in clause.version for clause in pin.clauses) else None


def version_variable(document: Document, name: str, value: Piece) -> Pin | None:
    """The pin that ``TORCH_VERSION=2.3.1`` is; ``None`` where the name or the value speaks of none."""
    match = _VERSION_VARIABLE.fullmatch(name)
    said = value.stripped()
    if match is None or not _VERSION.fullmatch(said.text) or not said.whole:
        return None
    package = match["name"].replace("_", "-")
    return read_ranged(document, package, said, notation=Notation.EXACT, role=Role.VARIABLE, context=name)


def _matches(path: PurePosixPath) -> bool:
    return path.suffix.lower() in (".sh", ".bash", ".zsh", ".sbatch", ".slurm", ".envrc") or path.name in (
        ".env",
        ".envrc",
    )


FORMAT = Format(name="shell", kind=FileKind.SCRIPT, matches=_matches, read=read, hint=HINT)
