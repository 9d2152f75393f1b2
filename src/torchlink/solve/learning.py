"""What a failing pair teaches uv: a bound of the side that may move, said of one release or of the whole answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Finding
from torchlink.model.reference import Party, PartyType
from torchlink.read.wheel_environment import Placed
from torchlink.solve.lessons import Lesson, from_facts
from torchlink.solve.releases import final_releases
from torchlink.solve.trial import Trial, other_releases
from torchlink.solve.trouble import Alternative, Search, Trouble, words
from torchlink.solve.wheel_set import WheelSet

_MODULE_OF = {"pkg-resources": "setuptools"}
"""Distributions that provide a module under another name, where one is often missing without being declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One answer of uv that does not link, in the search of one alternative."""

    trouble: Trouble
    alternative: Alternative
    answer: WheelSet
    search: Search

    @property
    def versions(self) -> dict[str, str]:
        below = self.trouble.present if self.answer.beneath is not None else {}
        return {**below, **self.answer.versions}


def learn(finding: Finding, turn: Turn) -> bool:
    """Learn from one failing pair. False where nothing new can be.

    The provider moves where a release of it is left that the user's own words admit; else the needer does, and so where
    uv has moved the needer before and the provider stays as it was. What a package lacks of itself is its own matter.
    """
    provider = finding.provider
    if provider.type is PartyType.PACKAGE and provider.name not in turn.versions and _add(provider.name, turn):
        return True
    found: list[tuple[Lesson, str]] = []
    for lesson, needer in _lessons(finding, turn):
        if _leaves_any(lesson, turn):
            return _teach(lesson, needer, turn)
        found.append((lesson, needer))
    return bool(found) and _teach(*found[0], turn)


def _lessons(finding: Finding, turn: Turn) -> Iterator[tuple[Lesson, str]]:
    """What may be learned, best first, and the needer in whose metadata it is said; empty for the whole answer."""
    needer, provider = _movable(finding.needer, turn), _movable(finding.provider, turn)
    sides = [name for name in dict.fromkeys((provider, needer)) if name]
    if _is_moved_in_vain(finding, turn):
        sides.reverse()
    for name in sides:
        fact = from_facts(finding, _placed(finding.needer, turn)) if name == provider else None
        yield fact or _tried(finding, name, turn), "" if name == needer else needer


def _movable(party: Party, turn: Turn) -> str:
    is_there = party.type is PartyType.PACKAGE and party.name in turn.versions
    return party.name if is_there and party.name not in turn.alternative.kept else ""


def _is_moved_in_vain(finding: Finding, turn: Turn) -> bool:
    """Whether another release of the needer has failed with this same release of the provider."""
    pair, version = (finding.needer.name, finding.provider.label), finding.needer.version
    return turn.search.needers.setdefault(pair, version) != version


def _leaves_any(lesson: Lesson, turn: Turn) -> bool:
    allowed = words(lesson.name, turn.trouble, turn.alternative, turn.search) & SpecifierSet(lesson.specifier)
    releases = final_releases(lesson.name, turn.trouble.asked.wheels, turn.answer.interpreter.version)
    return any(allowed.contains(one, prereleases=True) for one in releases)


def _teach(lesson: Lesson, needer: str, turn: Turn) -> bool:
    """Say it to uv: of this very release of the needer, or of the whole answer where the needer stays anyway."""
    line, search = f"{lesson.name}{lesson.specifier}", turn.search
    known = search.taught.setdefault((needer, turn.versions[needer]), []) if needer else search.held
    if line in known:
        return False
    known.append(line)
    search.lessons.append(lesson)
    return True


def _add(name: str, turn: Turn) -> bool:
    """A package that is missing altogether is asked for, where an index has one of this name."""
    wanted = _MODULE_OF.get(name, name)
    if wanted in turn.search.added:
        return False
    try:
        if not turn.trouble.asked.wheels.files(wanted):
            return False
    except TorchlinkError:
        return False
    turn.search.added.append(wanted)
    return True


def _tried(finding: Finding, name: str, turn: Turn) -> Lesson:
    """What trying other releases of a package teaches; the same pair is tried once."""
    trouble = turn.trouble
    allowed = words(name, trouble, turn.alternative, turn.search)
    key = (name, str(allowed), finding.id, finding.needer.label, finding.provider.label)
    if key not in trouble.lessons:
        trial = Trial(
            finding=finding,
            answer=turn.answer,
            wheels=trouble.asked.wheels,
            versions=turn.versions,
            allowed=allowed,
            judge=trouble.judge,
            known=trouble.trials,
        )
        trouble.lessons[key] = other_releases(trial, name)
    return trouble.lessons[key]


def _placed(party: Party, turn: Turn) -> Placed | None:
    if party.type is not PartyType.PACKAGE:
        return None
    return next((one for one in turn.answer.placed if one.name == party.name), None)
