"""Requirement lines, their markers and the extras that are asked for."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from torchlink.model.environment import Distribution, DistributionKind, Environment

_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_ALTERNATIVE = re.compile(r"\bor\b")
_STAR_IN_RANGE = re.compile(r"(>=|<=|>|<|~=)\s*([\d.]*\d)\.\*")


@dataclass(frozen=True, slots=True)
class Need:
    """One requirement that holds in this environment."""

    needer: Distribution
    name: str
    """PEP 503-normalised."""
    line: str
    """As it stands in the metadata."""
    specifier: SpecifierSet
    extras: frozenset[str]
    """Extras that it asks its provider for, normalised."""
    for_extra: str
    """The needer's extra that brings it in; empty where it always holds."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A requirement line that could not be read, and why."""

    needer: Distribution
    line: str
    reason: str


def providers(environment: Environment) -> Mapping[str, tuple[Distribution, ...]]:
    """The installed distributions by name, those that Python finds first first. What only conda knows of comes last."""
    found: dict[str, list[Distribution]] = {}
    for distribution in environment.distributions:
        found.setdefault(distribution.name, []).append(distribution)
    for same in found.values():
        same.sort(key=lambda distribution: distribution.kind is DistributionKind.CONDA)
    return {name: tuple(same) for name, same in found.items()}


def active_needs(environment: Environment) -> Iterator[Need | Unclear]:
    """Every requirement that holds: those without an extra, and those of the extras that an installed one asks for."""
    installed = providers(environment)
    markers = dict(environment.interpreter.markers)
    pending = deque((same[0], "") for same in installed.values())
    seen = {(distribution.name, "") for distribution, _ in pending}
    while pending:
        distribution, extra = pending.popleft()
        for line in distribution.requires:
            need = _read(distribution, line, extra, markers)
            if need is None:
                continue
            yield need
            if isinstance(need, Need) and need.name in installed:
                for wanted in sorted(need.extras):
                    if (need.name, wanted) not in seen:
                        seen.add((need.name, wanted))
                        pending.append((installed[need.name][0], wanted))


def _read(needer: Distribution, line: str, extra: str, markers: Mapping[str, str]) -> Need | Unclear | None:
    if _is_for_others(line, extra):
        return None
    try:
        requirement = parse_requirement(line)
    except InvalidRequirement as error:
        return Unclear(needer, line, str(error).splitlines()[0])
    if requirement.marker is not None:
        try:
            if not requirement.marker.evaluate({**markers, "extra": extra}):
                return None
            always = bool(extra) and requirement.marker.evaluate({**markers, "extra": ""})
        except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion, InvalidSpecifier) as error:
            return Unclear(needer, line, f"its marker cannot be evaluated: {error}")
        if always:
            return None
    return Need(
        needer=needer,
        name=canonicalize_name(requirement.name),
        line=line,
        specifier=requirement.specifier,
        extras=frozenset(canonicalize_name(name) for name in requirement.extras),
        for_extra=extra,
    )


def _is_for_others(line: str, extra: str) -> bool:
    """Whether a line can be left out without parsing it: most lines are for extras that nobody asked for."""
    named = _EXTRA.findall(line)
    if not named:
        return bool(extra)
    if _ALTERNATIVE.search(line.partition(";")[2]):
        return False
    return any(canonicalize_name(name) != extra for name in named)


def parse_requirement(line: str) -> Requirement:
    """Parse a requirement; ``>=1.0.*``, which older tools wrote and everybody reads as ``>=1.0``, is understood too.

    Raises ``packaging.requirements.InvalidRequirement``.
    """
    try:
        return Requirement(line)
    except InvalidRequirement:
        mended = _STAR_IN_RANGE.sub(r"\1\2", line)
        if mended == line:
            raise
        return Requirement(mended)


def parse_specifier(text: str) -> SpecifierSet:
    """Parse a version range such as ``Requires-Python``, with the same leniency.

    Raises ``packaging.specifiers.InvalidSpecifier``.
    """
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return SpecifierSet(_STAR_IN_RANGE.sub(r"\1\2", text))
