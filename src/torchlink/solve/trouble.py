"""What is to be mended, one way to look for it, and what was learned on that way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from torchlink.model.finding import Finding
from torchlink.model.names import normalise
from torchlink.model.report import Report
from torchlink.solve.ask import Asked
from torchlink.solve.declared import Declared
from torchlink.solve.goals import goals
from torchlink.solve.lessons import Lesson
from torchlink.solve.wheel_set import Judge

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is to be mended."""

    asked: Asked
    report: Report
    declared: tuple[Declared, ...]
    judge: Judge
    tell: Tell
    wanted: str = ""
    """The one finding that is to be mended; empty for all."""
    lessons: dict[tuple[str, ...], Lesson] = field(default_factory=dict)
    """What trying releases has taught so far, for every alternative."""
    trials: dict[tuple[str, ...], bool] = field(default_factory=dict)
    """What each trial has shown."""

    @property
    def present(self) -> Mapping[str, str]:
        """The versions as they are: installed, or resolved without any lesson."""
        return self.asked.present

    @property
    def goals(self) -> list[Finding]:
        return goals(self.report, self.wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One way to look for a fix: what stays as it is, and what may move against the user's own words."""

    title: str
    kept: Mapping[str, str] = field(default_factory=dict)
    relaxed: frozenset[str] = frozenset()
    newest: bool = False


@dataclass(slots=True)
class Search:
    """What was learned on the way of one alternative."""

    held: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    taught: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    lessons: list[Lesson] = field(default_factory=list)
    needers: dict[tuple[str, str], str] = field(default_factory=dict)
    """By needer and provider: the release of the needer that could not be with this release of the provider."""
    read: int = 0
    """Bytes of wheels that were read for it."""


def words(name: str, trouble: Trouble, alternative: Alternative, search: Search) -> SpecifierSet:
    """The versions of a package that the user's own words, the alternative and the lessons so far leave."""
    held = (one for one in map(Requirement, search.held) if normalise(one.name) == name)
    own = (one.requirement for one in trouble.declared if one.name == name and name not in alternative.relaxed)
    found = SpecifierSet()
    for one in (*own, *held):
        found &= one.specifier
    return found
