"""``requirements*.txt`` and constraint files, as pip reads them.

Source: pip's "Requirements File Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from torchlink.model.pins import FileKind, Include, Pin, Role
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.paths import beside
from torchlink.read.pins.requirement import read_requirement
from torchlink.read.pins.text import Document, Piece, join

_COMMENT = re.compile(r"(^|\s)#.*$")
_OPTION = re.compile(r"(?P<option>--?[A-Za-z][\w-]*)(?:\s*=\s*|\s+|$|(?<=^-[rcif])(?=\S))(?P<value>.*)")
_PER_REQUIREMENT = re.compile(r"\s--?(?:hash|config-settings?|global-option|install-option|C)\b.*$", re.DOTALL)
_ELSEWHERE = re.compile(r"(?:\w+\+)?\w{2,}://|\.{0,2}[/\\]|[A-Za-z]:\\|\.$|~/|.*\.(?:whl|zip|tar\.gz)$")
_EGG = re.compile(r"#(?:.*&)?egg=(?P<name>[A-Za-z0-9][\w.-]*)")
_WORD = re.compile(r"\S+")
_FLAGS = frozenset({"-U", "--upgrade", "--pre", "--no-deps", "--force-reinstall", "--no-cache-dir", "--user"})
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]")

_WORDS = ("requir", "constraint", "freeze", "dependencies", "deps")


def _matches(path: PurePosixPath) -> bool:
    if path.suffix.lower() not in (".txt", ".in", ".pip"):
        return False
    stem = path.name.lower()
    folder = path.parent.name.lower()
    return any(word in stem for word in _WORDS) or folder in ("requirements", "reqs", "constraints")


def read(contents: Contents) -> None:
    """Read a requirements file."""
    role = Role.CONSTRAINT if "constraint" in contents.document.file.rpartition("/")[2].lower() else Role.REQUIREMENT
    read_lines(contents, contents.document.whole, role=role)


def read_lines(contents: Contents, text: Piece, *, role: Role = Role.REQUIREMENT, context: str = "") -> None:
    """Read lines of requirements and options."""
    for line in logical_lines(text):
        if line.text.startswith("-"):
            _option(contents, line, role, context)
        else:
            _requirement(contents, line, role, context)


def logical_lines(text: Piece) -> Iterator[Piece]:
    """The lines that say something: joined where a backslash ends them, without comments and white space."""
    pending: list[Piece] = []
    for line in text.lines():
        if line.text.endswith("\\") and not line.text.lstrip().startswith("#"):
            pending.append(line.part(0, len(line.text) - 1))
            continue
        whole = join([*pending, line]) if pending else line
        pending = []
        comment = _COMMENT.search(whole.text)
        said = (whole.part(0, comment.start()) if comment else whole).stripped()
        if said.text:
            yield said
    if pending and (rest := join(pending).stripped()).text:
        yield rest


def _requirement(contents: Contents, line: Piece, role: Role, context: str) -> None:
    options = _PER_REQUIREMENT.search(line.text)
    said = line.part(0, options.start()) if options else line
    pin = read_requirement(contents.document, said, role=role, context=context)
    if pin is not None:
        contents.add(replace(pin, hashed="--hash" in line.text))
    elif pins := several(contents.document, said, role=role, context=context):
        contents.pins.extend(pins)
    elif _ELSEWHERE.match(said.text):
        contents.add(named_address(contents.document, said, role, context))
    elif _VARIABLE.search(said.text):
        contents.cannot_read(line.start, f"{shortened(said.text)!r} holds a variable of the environment")
    else:
        contents.cannot_read(line.start, f"{shortened(said.text)!r} is no requirement")


def several(document: Document, words: Piece, *, role: Role = Role.REQUIREMENT, context: str = "") -> list[Pin]:
    """The pins of ``torch==2.0.1 torchvision==0.15.2 -f https://...``, which pip does not read as a line, but programs
    hand to it word by word; none where anything in it is neither a requirement nor an option.
    """
    found: list[Pin] = []
    is_value = False
    for word in _WORD.finditer(words.text):
        if is_value or word.group().startswith("-"):
            is_value = not is_value and "=" not in word.group() and word.group() not in _FLAGS
            continue
        pin = read_requirement(document, words.part(*word.span()), role=role, context=context)
        if pin is None:
            return []
        found.append(pin)
    return found if found and found[0].clauses else []


def named_address(document: Document, address: Piece, role: Role, context: str = "") -> Pin | None:
    """``git+https://host/x.git#egg=name``; ``None`` where the address does not say whose it is."""
    egg = _EGG.search(address.text)
    pin = read_requirement(document, address.part(*egg.span("name")), role=role, context=context) if egg else None
    return replace(pin, url=address.text, place=document.place_of(address)) if pin else None


def _option(contents: Contents, line: Piece, role: Role, context: str) -> None:
    match = _OPTION.fullmatch(line.text)
    if match is None:
        contents.cannot_read(line.start, f"{shortened(line.text)!r} is no option of a requirements file")
        return
    value = line.part(*match.span("value")).stripped()
    match match["option"]:
        case "-r" | "--requirement" | "-c" | "--constraint":
            constraint = match["option"] in ("-c", "--constraint")
            path = beside(contents.document.file, value.text)
            place = contents.document.place_of(value)
            contents.includes.append(Include(path=path, constraint=constraint, place=place))
        case "-i" | "--index-url" | "--pypi-url":
            contents.index = value.text
        case "--extra-index-url":
            contents.extra_indexes.append(value.text)
        case "-f" | "--find-links":
            contents.find_links.append(value.text)
        case "--no-index":
            contents.no_index = True
        case "-e" | "--editable":
            contents.add(named_address(contents.document, value, role, context))
        case _:
            pass


def shortened(text: str, most: int = 60) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


FORMAT = Format(name="requirements.txt", kind=FileKind.MANIFEST, matches=_matches, read=read)
