"""What a call of ``torch.load`` reads: a file that lies there, or what the project itself saves under that name."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torchlink.link.behaviour_index import Index
from torchlink.link.behaviour_match import argument, is_missing
from torchlink.link.behaviour_names import Place
from torchlink.model.rules import Content
from torchlink.model.saved import SavedValues
from torchlink.model.uses import (
    UNKNOWN,
    Call,
    CheckpointReader,
    Constant,
    Items,
    Name,
    Part,
    Table,
    Value,
)

SAVE = "torch.save"
_SAME_PATH = frozenset({"builtins.str", "os.fspath", "os.path.abspath", "os.path.realpath"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of what a call reads."""

    refused: tuple[str, ...] = ()
    """What ``weights_only=True`` refuses in it."""
    loads: bool = False
    """Whether it is known to load."""
    told: str = ""
    """Where that is known from; it is said too of what is only very likely to load."""
    imports: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    """An exact allow list with which it loads, as source, and what it imports; empty where none suffices."""


NOTHING = Reading()


@dataclass(frozen=True, slots=True)
class Release:
    """What the installed torch and NumPy make of names in pickles."""

    allowed: frozenset[str]
    numpy_core: str
    """``numpy._core`` or ``numpy.core``."""

    def name(self, name: str) -> str:
        """A name as the installed NumPy writes it."""
        return name.replace("numpy._core.", f"{self.numpy_core}.", 1) if name.startswith("numpy._core.") else name


class Contents:
    """Says what calls read."""

    def __init__(
        self,
        index: Index,
        reader: CheckpointReader,
        values: SavedValues,
        release: Release,
        folders: Sequence[str],
    ) -> None:
        """``folders`` are those that a relative path may be meant from, likeliest first."""
        self._code = index.code
        self._state_dicts = index.state_dicts
        self._reader = reader
        self._values = values
        self._release = release
        self._folders = tuple(folders)
        self._saves = [
            (place, index.code.call(place.use.value))
            for place in index.calls.get(SAVE, ())
            if isinstance(place.use.value, Call)
        ]

    @property
    def saved(self) -> tuple[Call, ...]:
        """The calls of ``torch.save``."""
        return tuple(call for _, call in self._saves)

    def read(self, place: Place, call: Call, content: Content) -> Reading:
        """What the call reads by this argument."""
        target = argument(call, content.name, content.position)
        if is_missing(target) or target is UNKNOWN:
            known = NOTHING
        elif content.in_folder:
            known = self._in_folder(target, place, content)
        else:
            known = self._known(target, place)
        if known is NOTHING and (place.file.path, place.use.line, place.use.column) in self._state_dicts:
            return Reading(told="load_state_dict takes it whole")
        return known

    def _in_folder(self, target: Value, place: Place, content: Content) -> Reading:
        for folder in self._paths(target, place):
            if any(self._reader.is_there(posixpath.join(folder, name)) for name in content.instead):
                return Reading(loads=True)
            if self._reader.is_there(posixpath.join(folder, content.in_folder)):
                return Reading((content.in_folder,), told=f"{posixpath.basename(folder)} holds")
        return NOTHING

    def _known(self, target: Value, place: Place) -> Reading:
        for path in self._paths(target, place):
            answer = self._reader.restricted(path)
            if answer is not None:
                shown = posixpath.basename(path)
                return Reading(answer.reasons, answer.loads, f"{shown} holds", answer.imports, answer.entries)
        return self._saved(target, place)

    def _paths(self, target: Value, place: Place) -> list[str]:
        text = path_text(target)
        if not text or "://" in text:
            return []
        if text.startswith("/"):
            return [posixpath.normpath(text)]
        folders = dict.fromkeys((*self._folders, posixpath.dirname(place.file.path)))
        return [posixpath.normpath(posixpath.join(folder, text)) for folder in folders]

    def _saved(self, target: Value, place: Place) -> Reading:
        """What the project's own calls of ``torch.save`` put there."""
        refused: dict[str, None] = {}
        whole = True
        found = 0
        for other, call in self._saves:
            if len(call.positional) < 2 or not _same(target, place, call.positional[1], other):
                continue
            found += 1
            names, known = self._needed(call.positional[0])
            whole = whole and known
            refused.update(dict.fromkeys(name for name in names if name not in self._release.allowed))
            told = f"{place_of(other)} saves"
        if not found:
            return NOTHING
        return Reading(tuple(refused), not refused and whole, told)

    def _needed(self, value: Value) -> tuple[tuple[str, ...], bool]:
        """The globals that a pickle of a value names, and whether all of it is known."""
        match value:
            case Constant():
                return (), True
            case Items():
                return self._needed_by(value.values)
            case Table():
                names, known = self._needed_by([part for pair in value.items for part in pair])
                return names, known and not value.open
            case Name(dotted):
                return ((dotted,), True) if self._code.is_class(dotted) else ((), False)
            case Call():
                return self._returned(value)
        return (), False

    def _needed_by(self, values: Iterable[Value]) -> tuple[tuple[str, ...], bool]:
        answers = [self._needed(value) for value in values]
        return tuple(name for names, _ in answers for name in names), all(known for _, known in answers)

    def _returned(self, call: Call) -> tuple[tuple[str, ...], bool]:
        match call.callee:
            case Name(dotted):
                name = dotted
            case Part(key=Constant(value=str(method)), attribute=True, of=of):
                maker = of.callee.dotted if isinstance(of, Call) and isinstance(of.callee, Name) else ""
                name = f"{maker}.{method}" if f"{maker}.{method}" in self._values.named else f".{method}"
            case _:
                return (), False
        if name in self._values.named:
            return tuple(map(self._release.name, self._values.named[name])), True
        if self._code.is_class(name):
            return (name,), True
        if name.startswith("torch.nn.") and name.rpartition(".")[2][:1].isupper():
            return (name,), True
        if name in self._values.plain:
            return (), True
        return (), False


def path_text(value: Value) -> str:
    """The path that a value spells; empty where it cannot be read off."""
    match value:
        case Constant(value=str(text)):
            return text
        case Call(callee=Name("os.path.join" | "pathlib.PurePath.joinpath" | "pathlib.Path" | "pathlib.PurePath")):
            parts = [path_text(one) for one in value.positional]
            return posixpath.join(*parts) if parts and all(parts) and not value.rest else ""
        case Call(callee=Name("os.path.dirname"), positional=(one,)):
            return posixpath.dirname(path_text(one))
        case Call(callee=Name(name), positional=(one,)) if name in _SAME_PATH:
            return path_text(one)
        case Call(callee=Part(of=of, key=Constant(value="resolve" | "absolute"), attribute=True), positional=()):
            return path_text(of)
        case Part(of=of, key=Constant(value="parent"), attribute=True):
            return posixpath.dirname(path_text(of))
    return ""


def _same(target: Value, place: Place, other: Value, there: Place) -> bool:
    """Whether two arguments are one file: the same path, or the same value of one file's code."""
    text = path_text(target)
    if text:
        return text == path_text(other)
    return place.file is there.file and isinstance(target, Call) and target == other


def place_of(place: Place) -> str:
    """``Line 12 of train.py``."""
    return f"Line {place.use.line} of {posixpath.basename(place.file.path)}"
