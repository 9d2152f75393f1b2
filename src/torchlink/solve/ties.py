"""Which packages move together: a release that requires another one's exact version moves with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from packaging.requirements import InvalidRequirement, Requirement

from torchlink.model.names import normalise


def tied(names: Collection[str], others: Iterable[str], requires: Callable[[str], Sequence[str]]) -> frozenset[str]:
    """Some packages, and those of others that are tied to them, at either end of an exact requirement.

    Args:
        names: what moves.
        others: what may move with it.
        requires: the Requires-Dist lines of a package's present release.
    """
    pairs = {frozenset((name, held)) for name in {*names, *others} for held in _held(requires(name))}
    found, waiting = set(names), set(others) - set(names)
    while near := {one for one in waiting if any({one, name} in pairs for name in found)}:
        found |= near
        waiting -= near
    return frozenset(found)


def _held(lines: Iterable[str]) -> set[str]:
    """The packages of which one version alone will do."""
    found: set[str] = set()
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if any(one.operator in {"==", "==="} and "*" not in one.version for one in requirement.specifier):
            found.add(normalise(requirement.name))
    return found
