"""``setup.cfg`` and ``tox.ini``: lists of requirements below their keys.

``configparser`` says nothing of places, so the lines are read here; it alone says whether the file is valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchlink.model.pins import FileKind
from torchlink.read.pins.interface import Contents, Format, named
from torchlink.read.pins.requirement import read_requirement
from torchlink.read.pins.requirements_txt import read_lines, shortened
from torchlink.read.pins.text import Piece

_SECTION = re.compile(r"\[(?P<name>[^\]]+)\]\s*$")
_KEY = re.compile(r"(?P<key>[^\s:=][^:=]*?)\s*[:=]\s*(?P<value>.*)$")
_COMMENT = re.compile(r"\s*[#;]")


def read(contents: Contents) -> None:
    """Read the requirements of a ``setup.cfg``."""
    for section, key, value in _values(contents.document.whole):
        if section == "options" and key in ("install_requires", "setup_requires", "tests_require"):
            _list(contents, value, {"setup_requires": "build", "tests_require": "group test"}.get(key, ""))
        elif section == "options.extras_require":
            _list(contents, value, f"extra {key}")


def read_tox(contents: Contents) -> None:
    """Read the ``deps`` of a ``tox.ini``."""
    for section, key, value in _values(contents.document.whole):
        if key == "deps":
            read_lines(contents, value, context=f"tox {section}")


def _list(contents: Contents, value: Piece, context: str) -> None:
    for line in value.lines():
        comment = re.search(r"(^|\s)#.*$", line.text)
        said = (line.part(0, comment.start()) if comment else line).stripped()
        pin = read_requirement(contents.document, said, context=context)
        contents.add(pin)
        if pin is None and said.text and not said.text.startswith(("%(", "file:")):
            contents.cannot_read(said.start, f"{shortened(said.text)!r} is no requirement")


def _values(whole: Piece) -> Iterator[tuple[str, str, Piece]]:
    """Each key of the file with its section and its value, continued lines included."""
    section, key, start, end = "", "", 0, 0
    position = 0
    for line in whole.lines():
        begin, position = position, _next_line(whole.text, position + len(line.text))
        if _COMMENT.match(line.text):
            continue
        if line.text[:1] in (" ", "\t", ""):
            end = begin + len(line.text) if line.text.strip() else end
            continue
        if key:
            yield section, key, whole.part(start, end)
        key = ""
        if header := _SECTION.match(line.text):
            section = header["name"].strip()
        elif pair := _KEY.match(line.text):
            key = pair["key"].strip().lower()
            start, end = begin + pair.start("value"), begin + len(line.text)
    if key:
        yield section, key, whole.part(start, end)


def _next_line(text: str, position: int) -> int:
    while text[position : position + 1] == "\r":
        position += 1
    return position + 1


FORMATS = (
    Format(name="setup.cfg", kind=FileKind.MANIFEST, matches=named("setup.cfg"), read=read),
    Format(name="tox.ini", kind=FileKind.CI, matches=named("tox.ini"), read=read_tox),
)
