"""The contract of a reader: which files are its own, and what one of them says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from torchlink.model.pins import FileKind, Include, Indexes, IndexTag, Pin, PinFile, Step, Unread
from torchlink.read.pins.text import Document

_INDEX_TAG = re.compile(r"download\.pytorch\.org/whl/(?:nightly/|test/)?(?P<tag>cpu|xpu|cu\d{2,3}|rocm\d+(?:\.\d+)+)\b")


@dataclass(slots=True, kw_only=True)
class Contents:
    """Gathers what a reader finds in one document."""

    document: Document
    pins: list[Pin] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    index: str = ""
    extra_indexes: list[str] = field(default_factory=list)
    find_links: list[str] = field(default_factory=list)
    no_index: bool = False

    def add(self, pin: Pin | None) -> None:
        """Keep a pin, if it is one."""
        if pin is not None:
            self.pins.append(pin)

    def rewritable_at(self) -> frozenset[int]:
        """Where the versions of the pins so far begin: a variable that one of them uses is no pin of its own."""
        return frozenset(place.start for pin in self.pins for clause in pin.clauses for place in clause.places)

    def add_step(self, step: Step) -> None:
        """Keep an install command and its pins."""
        self.steps.append(step)
        self.pins.extend(step.pins)

    def cannot_read(self, offset: int | None, reason: str) -> None:
        """Say what could not be read, at an offset or in the whole file."""
        line = 0 if offset is None else self.document.line(offset)
        self.unread.append(Unread(file=self.document.file, line=line, reason=reason))

    def result(self, form: str, kind: FileKind) -> PinFile:
        """What was gathered, as a value."""
        return PinFile(
            file=self.document.file,
            format=form,
            kind=kind,
            pins=tuple(sorted(self.pins, key=lambda pin: (pin.place.start, pin.place.end))),
            steps=tuple(self.steps),
            indexes=Indexes(
                index=self.index,
                extra=tuple(dict.fromkeys(self.extra_indexes)),
                find_links=tuple(dict.fromkeys(self.find_links)),
                no_index=self.no_index,
            ),
            includes=tuple(self.includes),
            unread=tuple(self.unread),
            index_tags=tuple(
                IndexTag(tag=match["tag"], place=self.document.place(*match.span("tag")))
                for match in _INDEX_TAG.finditer(self.document.text)
            ),
        )


Reader = Callable[[Contents], None]
"""Reads a document into its contents. It never raises for what the document says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of file."""

    name: str
    kind: FileKind
    matches: Callable[[PurePosixPath], bool]
    """Whether a file of this path, relative to the project, is one."""
    read: Reader
    hint: re.Pattern[bytes] | None = None
    """What a file must hold to be worth reading; ``None``: every file is."""


def named(*patterns: str) -> Callable[[PurePosixPath], bool]:
    """Matches the file's own name against glob patterns, whatever their case."""
    from fnmatch import fnmatchcase

    lowered = tuple(pattern.lower() for pattern in patterns)
    return lambda path: any(fnmatchcase(path.name.lower(), pattern) for pattern in lowered)


def some(pins: Iterable[Pin | None]) -> tuple[Pin, ...]:
    """Those that are pins."""
    return tuple(pin for pin in pins if pin is not None)
