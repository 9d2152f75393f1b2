"""Tells references that fail by themselves from those that fail because another one does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from torchlink.model.reference import Broken, Kind, PartyType, Severity


def explained_by_platform(references: Iterable[Broken]) -> tuple[Broken, ...]:
    """Put the platform in the place of a missing module whose file is there, but built for another interpreter.

    ``from lxml import etree`` beside ``lxml/etree.cpython-310-x86_64-linux-gnu.so`` under Python 3.11: the cause is the
    wheel, and it is as severe as the import.
    """
    every = tuple(references)
    misfits = {
        (one.needer.name, _module_of(piece.artifact)): one
        for one in every
        if one.kind is Kind.PLATFORM
        for piece in one.evidence
    }
    return tuple(dict.fromkeys(_explained(one, misfits) for one in every))


def _explained(reference: Broken, misfits: Mapping[tuple[str, str], Broken]) -> Broken:
    if reference.kind is not Kind.IMPORT:
        return reference
    misfit = misfits.get((reference.provider.name, reference.target))
    if misfit is None:
        return reference
    return replace(
        misfit,
        severity=min(misfit.severity, reference.severity, key=lambda severity: severity.rank),
        chain=reference.chain,
        symptom=reference.symptom,
        affects=(reference.needer.name,) if reference.needer.type is PartyType.PACKAGE else (),
    )


def _module_of(artifact: str) -> str:
    """``lxml.etree`` for ``lxml/etree.cpython-310-x86_64-linux-gnu.so``."""
    folder, slash, name = artifact.rpartition("/")
    return (folder + slash + name.partition(".")[0]).replace("/", ".")


def separate_consequences(
    references: Sequence[Broken], owners: Mapping[str, str]
) -> tuple[tuple[Broken, ...], Mapping[str, frozenset[str]]]:
    """Part the references that fail by themselves from those that fail because another package does.

    Returns:
        The roots, and for each needer of a root the packages that fail because of it.
    """
    breaking = {one.needer.name for one in references if _fails(one)}
    through = {one: _packages_after_needer(one, owners) & breaking for one in references}
    sources = {one.needer.name for one in references if _fails(one) and not through[one]}
    followers: defaultdict[str, set[str]] = defaultdict(set)
    roots = []
    for one in references:
        causes = through[one] & sources
        if not causes:
            roots.append(one)
        for cause in causes:
            followers[cause].update({one.needer.name, *one.affects})
    return tuple(roots), {cause: frozenset(names) for cause, names in followers.items()}


def _fails(reference: Broken) -> bool:
    return reference.severity is Severity.BREAK and reference.needer.type is PartyType.PACKAGE


def _packages_after_needer(reference: Broken, owners: Mapping[str, str]) -> frozenset[str]:
    """The packages that the chain goes through after it has last left the needer."""
    owned = _owned(reference.chain, owners)
    needer = reference.needer.name
    if needer not in owned:
        return frozenset()
    last = len(owned) - 1 - owned[::-1].index(needer)
    return frozenset(name for name in owned[last + 1 :] if name and name != reference.provider.name)


def packages_before_needer(reference: Broken, owners: Mapping[str, str]) -> frozenset[str]:
    """The packages whose import runs into the needer's failure."""
    owned = _owned(reference.chain, owners)
    end = owned.index(reference.needer.name) if reference.needer.name in owned else len(owned)
    return frozenset(name for name in owned[:end] if name)


def _owned(chain: Sequence[str], owners: Mapping[str, str]) -> tuple[str, ...]:
    """The distribution that each step of a chain belongs to; empty for the project's own."""
    return tuple(owners.get(_top_level(step, first=not place), "") for place, step in enumerate(chain))


def _top_level(step: str, *, first: bool) -> str:
    """The top-level name in ``pkg.module`` or ``pkg/module.py:12``; a chain begins in the project's own file."""
    path, _, _ = step.partition(":")
    is_file = "/" in path or path.endswith(".py")
    if is_file:
        return "" if first or "/" not in path else path.partition("/")[0]
    return path.partition(".")[0]
