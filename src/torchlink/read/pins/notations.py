"""Version ranges as poetry and conda write them, told as PEP 440 does.

Sources: Poetry's "Dependency specification" (caret, tilde, wildcard and bare versions); conda's "Package match
specifications" (``=`` is a prefix, ``==`` exact, ``|`` an alternative).
"""

from __future__ import annotations

import re
from itertools import pairwise

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from torchlink.model.pins import Notation

CLAUSE = re.compile(r"(?P<operator>===|==|~=|!=|>=|<=|>|<|=|\^|~)?\s*(?P<version>[^\s,|()<>=!~^][^\s,|()]*)")
"""One comparison in any of the notations."""

_BARE = re.compile(r"v?\d[\w.!+*-]*")
_SPAN = re.compile(r">=([\d.]+),<([\d.]+)")


def specifier(text: str, notation: Notation) -> str | None:
    """A range as PEP 440 writes it; empty where any version will do, ``None`` where PEP 440 cannot say it."""
    wanted = text.strip().strip("()").strip()
    if wanted in ("", "*"):
        return ""
    if notation is Notation.PEP440:
        return _valid(wanted)
    if "|" in wanted:
        return _joined(wanted) if notation is Notation.POETRY else None
    if notation is Notation.EXACT:
        return _valid(f"=={wanted}")
    clauses = [part for part in re.split(r"\s*,\s*|\s+(?=[<>=!~^])", wanted) if part]
    read = [_clause(part, notation) for part in clauses]
    return None if any(one is None for one in read) else _valid(",".join(one for one in read if one))


def _joined(text: str) -> str | None:
    """Alternatives that leave no gap between them, as one range: ``^1.26 || ^2.0`` is ``>=1.26,<3``."""
    found = [_SPAN.fullmatch(specifier(part, Notation.POETRY) or "") for part in re.split(r"\s*\|\|?\s*", text)]
    spans = sorted((Version(one[1]), Version(one[2]), one[1], one[2]) for one in found if one is not None)
    if len(spans) < len(found):
        return None
    for before, after in pairwise(spans):
        if after[0] > before[1]:
            return None
    return f">={spans[0][2]},<{max(spans, key=lambda one: one[1])[3]}"


def _valid(text: str) -> str | None:
    try:
        SpecifierSet(text)
    except (InvalidSpecifier, ValueError):
        return None
    return text


def _clause(text: str, notation: Notation) -> str | None:
    match = CLAUSE.fullmatch(text.strip())
    if match is None:
        return None
    operator, version = match["operator"] or "", match["version"]
    if version in ("*", "x"):
        return ""
    match operator:
        case "^":
            return _caret(version)
        case "~":
            return _tilde(version)
        case "" | "=" if notation is Notation.CONDA:
            return _prefix(version, exact=not operator)
        case "" | "=":
            return f"=={version}" if _BARE.fullmatch(version) else None
        case _:
            return f"{operator}{version.removesuffix('.*') if operator in ('>=', '<=', '<', '>') else version}"


def _caret(version: str) -> str | None:
    """``^1.2.3`` is below the next change of the first component that is not 0."""
    parts = _release(version)
    if parts is None:
        return None
    place = next((index for index, part in enumerate(parts) if part), len(parts) - 1)
    return f">={version},<{_next(parts, place)}"


def _tilde(version: str) -> str | None:
    parts = _release(version)
    if parts is None:
        return None
    return f">={version},<{_next(parts, min(1, len(parts) - 1))}"


def _next(parts: tuple[int, ...], place: int) -> str:
    return ".".join(map(str, (*parts[:place], parts[place] + 1)))


def _release(version: str) -> tuple[int, ...] | None:
    try:
        return Version(version).release
    except (InvalidVersion, ValueError):
        return None


def _prefix(version: str, *, exact: bool) -> str | None:
    """conda's ``=1.2`` and ``1.2.*``; a bare version is exact."""
    public = version.partition("=")[0]
    if not _BARE.fullmatch(public):
        return None
    if exact or public.endswith("*"):
        return f"=={public if public.endswith('.*') or not public.endswith('*') else public[:-1] + '.*'}"
    return f"=={public}.*"
