"""Programs in other languages that run pip: argument lists and command strings in Rust, JavaScript, Go and their like.

Their strings are found by the rules that these languages share, and grouped by the innermost bracket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from torchlink.model.pins import FileKind
from torchlink.read.pins.commands import read_command
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.script import Argument, Variables
from torchlink.read.pins.shell_script import read_shell
from torchlink.read.pins.text import Piece
from torchlink.read.pins.toml import unescaped

_JAVASCRIPT = frozenset({".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx"})
_OTHERS = frozenset({".rs", ".go", ".cs", ".java", ".kt", ".swift", ".rb", ".php", ".dart", ".cpp", ".cc"})
_RAW_BACKTICK = frozenset({".go", *_JAVASCRIPT})
_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<raw>\br(?P<hashes>\#*)"(?P<rawbody>.*?)(?:"(?P=hashes)|\Z))
    |"(?P<double>(?:[^"\\]|\\.)*)(?:"|\\?\Z)
    |`(?P<backtick>[^`]*)(?:`|\Z)
    |'(?P<single>(?:[^'\\\n]|\\.)*)'
    |(?P<bracket>[\[\](){},;])
    |(?P<word>[A-Za-z_][\w.]*!?)""",
    re.DOTALL | re.VERBOSE,
)
_COMMAND = re.compile(r"\s*(?:\S*python\S*\s+-m\s+)?(?:uv\s+)?(?:pip3?|conda|mamba)\s+install\s+\S")
_HINT = re.compile(rb"[\"'`\s]install[\"'`\s]")
_VERSIONED = re.compile(r"[\w\]](?:==|>=|<=|~=|<|>)\d")
_OPEN, _CLOSE = "[({", "])}"
_MOST_DEPTH = 200


@dataclass(slots=True)
class _Group:
    """The elements inside one pair of brackets."""

    start: int
    elements: list[Argument] = field(default_factory=list)
    current: Argument | None = None
    chained: list[Argument] = field(default_factory=list)
    """Strings of ``.arg("a").arg("b")``."""

    def element_ends(self) -> None:
        if self.current is not None:
            self.elements.append(self.current)
        self.current = None


def read(contents: Contents) -> None:
    """Read a program's strings."""
    _Reader(contents).read()


class _Reader:
    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._piece = contents.document.whole
        self._suffix = PurePosixPath(contents.document.file).suffix
        self._groups = [_Group(0)]

    def read(self) -> None:
        for match in _TOKEN.finditer(self._piece.text):
            if match["bracket"]:
                self._bracket(match["bracket"], match.start())
            elif (value := self._string(match)) is not None:
                self._groups[-1].current = Argument(value)
            elif match["word"] and self._groups[-1].current is None:
                self._word(match)
        while len(self._groups) > 1:
            self._close(len(self._piece.text))
        self._evaluate(self._groups[0].chained, 0, len(self._piece.text))

    def _string(self, match: re.Match[str]) -> Piece | None:
        for name in ("double", "rawbody", "backtick", "single"):
            if match[name] is None:
                continue
            if name == "single" and self._suffix not in _JAVASCRIPT:
                return None
            if name == "backtick" and self._suffix not in _RAW_BACKTICK:
                return None
            piece = self._piece.part(*match.span(name))
            return unescaped(piece) if "\\" in piece.text and name in ("double", "single") else piece
        return None

    def _word(self, match: re.Match[str]) -> None:
        at = self._piece.part(match.start(), match.start())
        self._groups[-1].current = Argument(at, match["word"])

    def _bracket(self, sign: str, at: int) -> None:
        group = self._groups[-1]
        if sign in _OPEN:
            if len(self._groups) < _MOST_DEPTH:
                self._groups.append(_Group(at))
        elif sign in _CLOSE:
            if len(self._groups) > 1:
                self._close(at + 1)
        elif sign == ",":
            group.element_ends()
        else:
            group.element_ends()
            self._evaluate(group.chained, group.start, at)
            for one in group.elements:
                self._alone(one)
            group.chained, group.elements = [], []

    def _close(self, end: int) -> None:
        group = self._groups.pop()
        group.element_ends()
        outer = self._groups[-1]
        taken = self._evaluate(group.elements, group.start, end) or self._evaluate(group.chained, group.start, end)
        if not taken:
            outer.chained.extend(group.elements if len(group.elements) <= 2 else [])
            outer.chained.extend(group.chained)
            for one in group.elements:
                self._alone(one)
        # ``"torch".to_string()``, ``String::from("torch")``: the string is the element.
        if outer.current is not None and outer.current.unknown and len(group.elements) == 1 and not taken:
            outer.current = group.elements[0]

    def _evaluate(self, arguments: list[Argument], start: int, end: int) -> bool:
        texts = [one.piece.text for one in arguments]
        if "install" not in texts:
            return False
        place = texts.index("install")
        words = list(arguments)
        if "pip" not in texts[:place] and "pip3" not in texts[:place]:
            if place or not any(_VERSIONED.search(text) for text in texts):
                return False
            words = [Argument(Piece("pip", range(4))), *words]
        start = max(start, min(one.piece.start for one in arguments) - self._piece.start)
        step = read_command(self._contents.document, words, self._piece.part(start, end))
        if step is not None:
            self._contents.add_step(step)
        return step is not None

    def _alone(self, one: Argument) -> None:
        if not one.unknown and _COMMAND.match(one.piece.text):
            read_shell(self._contents, one.piece, Variables())


def _matches(path: PurePosixPath) -> bool:
    return path.suffix in _JAVASCRIPT | _OTHERS


FORMAT = Format(
    name="source of another language",
    kind=FileKind.SOURCE,
    matches=_matches,
    read=read,
    hint=_HINT,
)
