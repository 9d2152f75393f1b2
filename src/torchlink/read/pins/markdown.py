"""Documents (Markdown, reStructuredText): commands in their code, requirements in their text, tables of versions.

They are reported, and rewritten only when that is asked for: an old version in a document may be history.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

from torchlink.model.pins import FileKind, Notation, Pin, Role
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.requirement import read_ranged, read_requirement
from torchlink.read.pins.script import Variables
from torchlink.read.pins.shell_script import COMMAND, read_shell
from torchlink.read.pins.text import Piece

_FENCE = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w+-]*)")
_PROMPT = re.compile(r"[ \t>]*(?:\([\w.-]+\)\s*)?(?:[$%]|PS>|C:\\>|>>)?[ \t]*!?")
_OTHER_LANGUAGES = frozenset(
    [
        "json",
        "yaml",
        "yml",
        "xml",
        "html",
        "css",
        "js",
        "javascript",
        "ts",
        "typescript",
        "c",
        "cpp",
        "java",
        "go",
        "diff",
    ]
)
_INLINE = re.compile(r"`(?P<text>[^`\n]{3,300})`")
_IN_TEXT_VERSION = r"\s?\d[\w+!]*(?:\.[\w+]+)*(?:\.\*)?"
"""Neither the full stop behind a sentence nor the stars behind what is set in bold."""
_IN_TEXT = re.compile(
    r"(?<![\w/@=.-])(?P<name>[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9])(?P<extras>\[[\w,-]+\])?\s?"
    rf"(?P<range>(?:===?|~=|>=|<=|<|>){_IN_TEXT_VERSION}(?:\s?,\s?(?:===?|~=|!=|>=|<=|<|>){_IN_TEXT_VERSION})*)"
)
_HINT = re.compile(rb"\binstall\b|[=<>~]=?\s?\d|\|\s*[`*]*v?\d+\.\d")
_ROW = re.compile(r"\s*\|(?P<cells>.*)\|\s*$")
_NAME_CELL = re.compile(r"[`*_\s\[]*(?P<name>[A-Za-z][\w.-]*)[`*_\s\]]*(?:\(.*\))?")
_VERSION_CELL = re.compile(
    r"[`*_\s]*(?P<range>(?:[<>=~!]=?|===)?\s*v?\d+(?:\.\d+)+[\w.+]*(?:\s*,\s*[<>=!~]+\s*[\d.]+)?)[`*_\s]*"
)


def read(contents: Contents) -> None:
    """Read a document."""
    fence = ""
    variables = Variables()
    language = ""
    block: list[Piece] = []
    whole = contents.document.whole
    for line in whole.lines():
        match = _FENCE.match(line.text)
        if match and not fence:
            fence, language, block = match["mark"], match["language"].lower(), []
        elif match and line.text.strip().startswith(fence) and not match["language"]:
            fence = ""
            _code(contents, block, variables, language)
        elif fence:
            block.append(line)
        else:
            _text(contents, line)


def _code(contents: Contents, block: list[Piece], variables: Variables, language: str) -> None:
    if not block or language in _OTHER_LANGUAGES:
        return
    found = Contents(document=contents.document)
    start = 0
    while start < len(block):
        end = start + 1
        while block[end - 1].text.rstrip().endswith("\\") and end < len(block):
            end += 1
        prompt = _PROMPT.match(block[start].text)
        first = block[start].part(prompt.end() if prompt else 0)
        offset = first.start - contents.document.whole.start
        command = contents.document.whole.part(offset, block[end - 1].end - contents.document.whole.start)
        before = len(found.steps)
        read_shell(found, command, variables)
        if len(found.steps) == before:
            for line in block[start:end]:
                _requirement_line(contents, line)
        start = end
    contents.pins.extend(replace(pin, role=Role.MENTION) for pin in found.pins)


def _requirement_line(contents: Contents, line: Piece) -> None:
    said = line.part(0, line.text.find(" #")) if " #" in line.text else line
    pin = read_requirement(contents.document, said.stripped(), role=Role.MENTION)
    if pin is not None and pin.clauses:
        contents.add(pin)
    else:
        _in_text(contents, said)


def _text(contents: Contents, line: Piece) -> None:
    if row := _ROW.match(line.text):
        _row(contents, line, row)
    position = 0
    for one in _INLINE.finditer(line.text):
        if COMMAND.match(one["text"]):
            found = Contents(document=contents.document)
            read_shell(found, line.part(*one.span("text")), Variables())
            contents.pins.extend(replace(pin, role=Role.MENTION) for pin in found.pins)
            _in_text(contents, line.part(position, one.start()))
            position = one.end()
    _in_text(contents, line.part(position))


def _in_text(contents: Contents, line: Piece) -> None:
    for match in _IN_TEXT.finditer(line.text):
        contents.add(_mention(contents, line, match, "text"))


def _mention(contents: Contents, line: Piece, match: re.Match[str], context: str) -> Pin | None:
    return read_ranged(
        contents.document,
        match["name"],
        line.part(*match.span("range")),
        at=line.part(*match.span("name")),
        notation=Notation.PEP440,
        role=Role.MENTION,
        context=context,
    )


def _row(contents: Contents, line: Piece, row: re.Match[str]) -> None:
    """``| torch | 2.3.1 | ... |``: a name in the first cell, and the first version behind it."""
    position = row.start("cells")
    cells: list[Piece] = []
    for text in row["cells"].split("|"):
        cells.append(line.part(position, position + len(text)))
        position += len(text) + 1
    name = _NAME_CELL.fullmatch(cells[0].text)
    if name is None:
        return
    for cell in cells[1:]:
        if version := _VERSION_CELL.fullmatch(cell.text):
            wanted = cell.part(*version.span("range")).stripped()
            exact = wanted.text[:1].isdigit()
            pin = read_ranged(
                contents.document,
                name["name"],
                wanted,
                at=cells[0].part(*name.span("name")),
                notation=Notation.EXACT if exact else Notation.PEP440,
                role=Role.MENTION,
                context="table",
            )
            contents.add(pin)
            return


def _matches(path: PurePosixPath) -> bool:
    return path.suffix.lower() in (".md", ".markdown", ".mdx", ".rst")


FORMAT = Format(
    name="Markdown",
    kind=FileKind.DOCUMENT,
    matches=_matches,
    read=read,
    hint=_HINT,
)
