"""Dockerfiles: ``RUN`` in both of its forms, ``ARG`` and ``ENV``, here-documents, and the torch of a base image.

Source: Dockerfile reference, syntax 1.7. The images ``pytorch/pytorch`` carry torch's version as the beginning of
their tag, those of ``rocm/pytorch`` behind ``pytorch_``: so they are named on Docker Hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from torchlink.model.pins import FileKind, Notation
from torchlink.read.pins import json
from torchlink.read.pins.commands import read_command
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.requirement import read_ranged
from torchlink.read.pins.requirements_txt import read_lines
from torchlink.read.pins.script import Argument, Variables, commands
from torchlink.read.pins.shell_script import add_variables, read_shell
from torchlink.read.pins.text import Piece, join

_INSTRUCTION = re.compile(r"\s*(?P<word>[A-Za-z]+)\s+(?P<rest>.*)$", re.DOTALL)
_HEREDOC = re.compile(r"<<-?\s*(?P<quote>[\"']?)(?P<word>\w+)(?P=quote)")
_FLAG = re.compile(r"(?:--[\w-]+(?:=\S+)?\s+)+")
_IMAGE = re.compile(
    r"(?:docker\.io/)?pytorch/pytorch:(?P<version>\d+(?:\.\d+)+)|rocm/pytorch:\S*?pytorch_(?:release_)?(?P<rocm>\d+(?:\.\d+)+)"
)
_OLD_ENV = re.compile(r"(?P<name>[A-Za-z_]\w*)\s+(?P<value>[^=]+)")
_REQUIREMENTS_FILE = re.compile(r"\S*(?:require|constraint)[\w.-]*\.(?:txt|in)\s*$")


@dataclass(frozen=True, slots=True)
class _Instruction:
    word: str
    rest: Piece
    bodies: tuple[Piece, ...]
    """The texts of its here-documents."""


def read(contents: Contents) -> None:
    """Read a Dockerfile."""
    read_piece(contents, contents.document.whole)


def read_piece(contents: Contents, text: Piece) -> None:
    """Read the text of a Dockerfile, which may be a part of another file."""
    variables = Variables()
    for one in _instructions(text):
        match one.word:
            case "FROM":
                _image(contents, one.rest, variables)
            case "ARG" | "ENV":
                _assign(one.rest, variables)
            case "RUN" | "CMD" | "ENTRYPOINT" | "SHELL":
                _run(contents, one, variables)
            case "COPY" | "ADD" if one.bodies and _REQUIREMENTS_FILE.search(one.rest.text):
                read_lines(contents, one.bodies[0], context=f"written to {one.rest.text.split()[-1]}")
            case _:
                pass
    add_variables(contents, variables)


def _run(contents: Contents, one: _Instruction, variables: Variables) -> None:
    flags = _FLAG.match(one.rest.text)
    command = one.rest.part(flags.end()) if flags else one.rest
    if command.text.lstrip().startswith("["):
        words = [Argument(entry.value) for entry in json.strings(command)]
        step = read_command(contents.document, words, command.stripped())
        if step is not None:
            contents.add_step(step)
        return
    scoped = Variables(variables)
    if one.bodies and command.text.lstrip().startswith("<<"):
        for body in one.bodies:
            read_shell(contents, body, scoped)
        return
    read_shell(contents, command, scoped)


def _assign(rest: Piece, variables: Variables) -> None:
    """``ARG NAME=value``, ``ENV A=1 B=2`` and the older ``ENV NAME value``."""
    if old := _OLD_ENV.fullmatch(rest.text.strip()):
        start = len(rest.text) - len(rest.text.lstrip())
        variables.assign(old["name"], [rest.part(start + old.start("value"), start + old.end("value")).stripped()])
        return
    for _ in commands(rest, variables):  # assignments are all that is here
        pass


def _image(contents: Contents, rest: Piece, variables: Variables) -> None:
    for command in commands(rest, Variables(variables)):
        for argument in command.arguments[:1]:
            match = _IMAGE.match(argument.piece.text)
            group = "version" if match and match["version"] else "rocm"
            if match is None:
                continue
            version = argument.piece.part(*match.span(group))
            pin = read_ranged(contents.document, "torch", version, notation=Notation.EXACT, context="base image")
            if pin is not None:
                fixed = tuple(replace(clause, places=()) for clause in pin.clauses)
                contents.add(replace(pin, clauses=fixed, note="the tag of an image: another one must exist first"))


def _instructions(text: Piece) -> Iterator[_Instruction]:
    lines = list(text.lines())
    escape = "`" if re.match(r"#\s*escape\s*=\s*`", text.text, re.IGNORECASE) else "\\"
    number = 0
    while number < len(lines):
        parts: list[Piece] = []
        while number < len(lines):
            line = lines[number]
            number += 1
            if not line.text.strip() or line.text.lstrip().startswith("#"):
                if parts:
                    continue
                break
            stripped = line.text.rstrip()
            continued = stripped.endswith(escape)
            parts.append(line.part(0, len(stripped) - 1) if continued else line)
            if not continued:
                break
            parts.append(Piece(" ", range(parts[-1].end, parts[-1].end + 2)))
        if not parts:
            continue
        whole = join(parts)
        match = _INSTRUCTION.match(whole.text)
        if match is None:
            continue
        bodies, number = _bodies(lines, number, whole)
        rest = whole.part(match.start("rest"))
        if bodies and match["word"].upper() == "RUN" and not rest.text.lstrip().startswith("<<"):
            rest = _with_bodies(rest, lines, number)
        yield _Instruction(match["word"].upper(), rest, tuple(bodies))


def _bodies(lines: list[Piece], number: int, whole: Piece) -> tuple[list[Piece], int]:
    bodies: list[Piece] = []
    if not re.match(r"\s*(?:RUN|COPY|ADD)\b", whole.text, re.IGNORECASE):
        return bodies, number
    for heredoc in _HEREDOC.finditer(whole.text):
        first = number
        while number < len(lines) and lines[number].text.strip() != heredoc["word"]:
            number += 1
        if first < number:
            body = join(
                [part for line in lines[first:number] for part in (line, Piece("\n", range(line.end, line.end + 2)))]
            )
            bodies.append(body)
        number += 1
    return bodies, number


def _with_bodies(rest: Piece, lines: list[Piece], number: int) -> Piece:
    """A command together with the lines of its here-documents, as a shell sees it."""
    end = min(number, len(lines))
    first = next((index for index in range(end) if lines[index].start > rest.end), end)
    breaks = [part for line in lines[first:end] for part in (Piece("\n", range(line.start, line.start + 2)), line)]
    return join([rest, *breaks])


def _matches(path: PurePosixPath) -> bool:
    name = path.name.lower()
    return (
        name in ("dockerfile", "containerfile")
        or name.startswith(("dockerfile.", "dockerfile-"))
        or name.endswith((".dockerfile", ".containerfile"))
        or (name.startswith("dockerfile") and path.suffix == "")
    )


FORMAT = Format(name="Dockerfile", kind=FileKind.SCRIPT, matches=_matches, read=read)
