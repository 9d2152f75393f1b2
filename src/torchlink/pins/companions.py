"""The versions that companions of a package must have: those whose own metadata wants another version of it.

uv finds them, with the versions that are pinned today as its preferences: what still fits stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from torchlink.link.pin_families import Releases, Required
from torchlink.link.pin_pairs import exact, placed_pins
from torchlink.link.ranges import admits
from torchlink.model.errors import TorchlinkError
from torchlink.model.names import normalise
from torchlink.model.pins import FileKind, Notation, PinSurvey
from torchlink.solve.uv import Uv, Wish

_MOST_TURNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Companions:
    """What moves along with a package."""

    versions: Mapping[str, str]
    unknown: Mapping[str, str]
    """Packages that are pinned beside it and of which it is not known what they need, with the reason."""


def companions(survey: PinSurvey, name: str, version: str, releases: Releases, uv: Uv) -> Companions:
    """The versions of the packages that the project pins exactly and that do not go with a version of one.

    Args:
        survey: The project's pins.
        name: The package, PEP 503-normalised.
        version: Its new version; a tag of it is given to companions that have one today.
        releases: What releases require.
        uv: The resolver.

    Raises:
        TorchlinkError: uv finds no versions that go together, or cannot be asked.
    """
    public, _, tag = version.partition("+")
    today = exact_today(survey)
    required = {other: releases.requires(other, old) for other, old in today.items() if other != name}
    ranges = {other: _ranges(name, needs) for other, needs in required.items()}
    moving = [other for other, each in ranges.items() if not all(admits(one, public) for one in each)]
    bound = {other: today[other] for other in ranges if other in moving or _is_tied(ranges[other])}
    found = {other: old.partition("+")[0] for other, old in bound.items()}
    if moving:
        stays = [f"{other}=={old}" for other, old in found.items() if other not in moving]
        tied = [other for other in moving if _is_tied(ranges[other])]
        answer = _resolved(name, (f"{name}=={public}", *moving, *stays), tied, releases, uv)
        found |= {other: answer[other] for other in moving if other in answer}
    return Companions(
        versions={other: f"{new}+{tag}" if tag and "+" in bound[other] else new for other, new in found.items()},
        unknown={other: needs.problem for other, needs in required.items() if needs.problem},
    )


def _resolved(name: str, lines: tuple[str, ...], tied: Sequence[str], releases: Releases, uv: Uv) -> dict[str, str]:
    """The versions that uv takes. A release that no longer says which version of the package it was built for, as the
    pinned one does, is no answer: an older one is asked for.
    """
    held: list[str] = []
    for _ in range(_MOST_TURNS):
        answer = {one.name: one.version.partition("+")[0] for one in uv.resolve(Wish(lines=lines, held=tuple(held)))}
        taken = {other: answer[other] for other in tied if other in answer}
        silent = [other for other, new in taken.items() if not _is_tied(_ranges(name, releases.requires(other, new)))]
        if not silent:
            return answer
        held += [f"{other}<{answer[other]}" for other in silent]
    mend = "name their versions too"
    raise TorchlinkError(f"no release of {', '.join(tied)} was found that says it goes with {lines[0]}", mend=mend)


def _is_tied(ranges: Sequence[str]) -> bool:
    """Whether one version is needed, and no range."""
    return any(one.startswith("==") for one in ranges)


def exact_today(survey: PinSurvey) -> dict[str, str]:
    """The version that most places pin of each package; one with a tag counts before the same one without."""
    found: dict[str, str] = {}
    for name, placed in placed_pins(survey).items():
        versions = [
            exact(pin)
            for file, pin in placed
            if file.kind not in (FileKind.LOCK, FileKind.DOCUMENT) and exact(pin) and pin.notation is not Notation.CONDA
        ]
        if versions:
            found[name] = max(dict.fromkeys(versions), key=lambda version: (versions.count(version), "+" in version))
    return found


def _ranges(name: str, required: Required) -> list[str]:
    """The ranges of a package that a release needs without any extra."""
    found: list[str] = []
    for line in required.lines:
        try:
            requirement = Requirement(line)
        except (InvalidRequirement, ValueError):
            continue
        if normalise(requirement.name) == name and "extra" not in str(requirement.marker or ""):
            found.append(str(requirement.specifier))
    return found
