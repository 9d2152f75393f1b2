"""One requirement in a piece of text: its name, its range and the place of each version in it."""

from __future__ import annotations

import re

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement

from torchlink.model.names import normalise
from torchlink.model.pins import Clause, Notation, Pin, Place, Role
from torchlink.read.pins.notations import CLAUSE, specifier
from torchlink.read.pins.text import Document, Piece

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_RANGE = r"[<>=!~](?:[^;()]*[^;()\s])?"
_REQUIREMENT = re.compile(
    rf"(?P<name>{_NAME})(?![A-Za-z0-9._-])(?:\s*(?P<extras>\[[^\]]*\]))?"
    rf"(?:\s*@\s*(?P<url>[^\s;]\S*)|\s*\(\s*(?P<bracketed>{_RANGE})\s*\)|\s*(?P<bare>{_RANGE}))?(?:\s*(?P<marker>;.*))?",
    re.DOTALL,
)
_WHOLE_NAME = re.compile(_NAME)
_LONGEST = 4096
_OLD_STAR = re.compile(r"(>=|<=|>|<|~=)\s*([\d.]*\d)\.\*")


def read_requirement(
    document: Document, piece: Piece, *, role: Role = Role.REQUIREMENT, context: str = "", note: str = ""
) -> Pin | None:
    """The pin that a PEP 508 requirement is; ``None`` where the text is none."""
    said = piece.stripped()
    match = _REQUIREMENT.fullmatch(said.text) if len(said.text) <= _LONGEST else None
    if match is None or not _is_requirement(said.text):
        return None
    group = "bracketed" if match["bracketed"] else "bare"
    wanted = said.part(*match.span(group)) if match[group] else said.part(match.end("name"), match.end("name"))
    return Pin(
        name=normalise(match["name"]),
        wanted=wanted.text,
        specifier=specifier(_OLD_STAR.sub(r"\1\2", wanted.text), Notation.PEP440),
        notation=Notation.PEP440,
        role=role,
        place=document.place_of(said),
        clauses=read_clauses(document, wanted),
        extras=tuple(part.strip() for part in (match["extras"] or "[]")[1:-1].split(",") if part.strip()),
        context=context,
        marker=(match["marker"] or "").lstrip("; ").strip(),
        url=match["url"] or "",
        note=note,
    )


def _is_requirement(text: str) -> bool:
    try:
        Requirement(_OLD_STAR.sub(r"\1\2", text.strip()))
    except (InvalidRequirement, ValueError, RecursionError):
        return False
    return True


def read_ranged(
    document: Document,
    name: str,
    wanted: Piece,
    *,
    notation: Notation,
    at: Piece | None = None,
    role: Role = Role.REQUIREMENT,
    context: str = "",
    marker: str = "",
    url: str = "",
    note: str = "",
) -> Pin | None:
    """The pin of a name and a range that stand apart (``torch = "^2.3"``); ``None`` where the name is none.

    Args:
        document: The file.
        name: The package.
        wanted: The range.
        notation: How the range is written.
        at: Where the name stands; ``None`` where it is far from the range.
        role: What the pin does.
        context: What brings it in.
        marker: A PEP 508 marker.
        url: A direct reference.
        note: What its reader must know.
    """
    if not _WHOLE_NAME.fullmatch(name.strip()) or len(wanted.text) > _LONGEST:
        return None
    begins = wanted if at is None else at
    return Pin(
        name=normalise(name),
        wanted=wanted.text.strip(),
        specifier=specifier(wanted.text, notation),
        notation=notation,
        role=role,
        place=document.place(min(begins.start, wanted.start), max(begins.end, wanted.end)),
        clauses=read_clauses(document, wanted),
        context=context,
        marker=marker if _is_marker(marker) else "",
        url=url,
        note=note,
    )


def _is_marker(text: str) -> bool:
    try:
        Marker(text)
    except (InvalidMarker, ValueError, RecursionError):
        return False
    return True


def read_clauses(document: Document, wanted: Piece) -> tuple[Clause, ...]:
    """The comparisons of a range, each with the place of its version."""
    return tuple(
        Clause(operator=match["operator"] or "", version=match["version"], places=_places(document, wanted, match))
        for match in CLAUSE.finditer(wanted.text)
        if match["version"] != "*"
    )


def _places(document: Document, wanted: Piece, match: re.Match[str]) -> tuple[Place, ...]:
    version = wanted.part(*match.span("version"))
    if version.whole:
        return (document.place_of(version),)
    public, plus, _ = version.text.partition("+")
    parts = (version.part(0, len(public)), version.part(len(public) + 1))
    return tuple(document.place_of(part) for part in parts) if plus and all(part.whole for part in parts) else ()
