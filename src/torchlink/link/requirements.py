"""Requirement lines, their markers and the extras that are asked for."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from torchlink.model.environment import Distribution, DistributionKind, Environment
from torchlink.model.names import normalise

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
    lines = {distribution.name: _lines_by_extra(distribution) for distribution, _ in pending}
    while pending:
        distribution, extra = pending.popleft()
        for line in lines[distribution.name].get(extra, ()):
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
    try:
        requirement = parse_requirement(line)
    except InvalidRequirement as error:
        return Unclear(needer, line, str(error).splitlines()[0])
    except (RecursionError, ValueError):
        return Unclear(needer, line, "too deeply nested or too long to be read")
    if requirement.marker is not None:
        try:
            if not requirement.marker.evaluate({**markers, "extra": extra}):
                return None
            always = bool(extra) and requirement.marker.evaluate({**markers, "extra": ""})
        except (UndefinedComparison, UndefinedEnvironmentName, RecursionError, ValueError) as error:
            return Unclear(needer, line, f"its marker cannot be evaluated: {error}")
        if always:
            return None
    return Need(
        needer=needer,
        name=normalise(requirement.name),
        line=line,
        specifier=requirement.specifier,
        extras=frozenset(normalise(name) for name in requirement.extras),
        for_extra=extra,
    )


def _lines_by_extra(distribution: Distribution) -> Mapping[str, list[str]]:
    """Sort the requirement lines by the extra that may make them hold, unparsed: most are for extras nobody asks for.

    A line whose marker has an ``or`` is listed under every extra that it names and under none.
    """
    lines: dict[str, list[str]] = {"": []}
    for line in distribution.requires:
        extras = {normalise(name) for name in _EXTRA.findall(line)}
        if not extras or _ALTERNATIVE.search(line.partition(";")[2]):
            lines[""].append(line)
        if len(extras) == 1 or _ALTERNATIVE.search(line.partition(";")[2]):
            for extra in extras:
                lines.setdefault(extra, []).append(line)
    return lines


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
