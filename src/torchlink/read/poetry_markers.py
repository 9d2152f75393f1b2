"""The conditions of a dependency in poetry's tables (``python``, ``platform``, ``markers``) as one PEP 508 marker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import SpecifierSet

from torchlink.model.pins import Notation
from torchlink.read.pins.notations import specifier

_OR = re.compile(r"\s*\|\|?\s*")
_PLATFORM = re.compile(r"(?P<operator>==|!=)?\s*(?P<name>\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A marker, and what of the condition it does not say."""

    text: str = ""
    """Empty where the dependency always holds."""
    unsaid: str = ""


def marker_of(said: Mapping[str, object]) -> Condition:
    """The marker of a dependency's table."""
    parts: list[str] = []
    unsaid: list[str] = []
    for key, read in (("python", _python), ("platform", _platform), ("markers", _markers)):
        written = said.get(key)
        if not isinstance(written, str) or not written.strip():
            continue
        found = read(written.strip())
        if found is None:
            unsaid.append(f"{key} {written!r} is not understood")
        elif found:
            parts.append(found)
    several = len(parts) > 1
    text = " and ".join(f"({part})" if several and " or " in part else part for part in parts)
    return Condition(text=text, unsaid=", ".join(unsaid))


def _python(written: str) -> str | None:
    """``^3.8 || ^4`` as a marker; empty for every Python, ``None`` where it cannot be said."""
    alternatives: list[str] = []
    for alternative in _OR.split(written):
        bounds = specifier(alternative, Notation.POETRY)
        if bounds is None:
            return None
        if not bounds:
            return ""
        clauses = sorted(SpecifierSet(bounds), key=str, reverse=True)
        alternatives.append(" and ".join(f'python_full_version {one.operator} "{one.version}"' for one in clauses))
    return " or ".join(alternatives)


def _platform(written: str) -> str | None:
    found = [_PLATFORM.fullmatch(part) for part in _OR.split(written)]
    if None in found:
        return None
    return " or ".join(f'sys_platform {one["operator"] or "=="} "{one["name"]}"' for one in found if one is not None)


def _markers(written: str) -> str | None:
    try:
        return str(Marker(written))
    except (InvalidMarker, ValueError, RecursionError):
        return None
