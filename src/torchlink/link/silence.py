"""Sets aside the findings that a project knows and accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from torchlink.link.cause import ARROW
from torchlink.model.configuration import Ignore, Silence
from torchlink.model.finding import Finding
from torchlink.model.reference import Broken, Links, PartyType


def silence(findings: Iterable[Finding], silences: Sequence[Silence]) -> tuple[tuple[Finding, ...], int]:
    """Part the findings that are told from those that the configuration silences.

    Returns:
        The findings that stay, in their order, and how many were silenced.
    """
    every = tuple(findings)
    kept = tuple(finding for finding in every if not any(_matches(finding, one) for one in silences))
    return kept, len(every) - len(kept)


def ignore(links: Iterable[Links], ignores: Mapping[str, Ignore]) -> tuple[list[Links], tuple[Broken, ...]]:
    """Part the references that count from those that a comment on their line of the project's source sets aside.

    Args:
        links: What the linkers returned.
        ignores: The comments by place: ``train.py:3``.

    Returns:
        The links without them, and what was set aside.
    """
    kept: list[Links] = []
    aside: list[Broken] = []
    for part in links:
        ignored = [one for one in part.broken if _is_ignored(one, ignores)] if ignores else []
        aside.extend(ignored)
        kept.append(replace(part, broken=tuple(one for one in part.broken if one not in ignored)) if ignored else part)
    return kept, tuple(aside)


def _is_ignored(reference: Broken, ignores: Mapping[str, Ignore]) -> bool:
    """A reference begins in the project where its chain does."""
    comment = ignores.get(reference.chain[0]) if reference.chain else None
    return comment is not None and bool(comment.codes & {reference.kind.value, reference.rule})


def _matches(finding: Finding, one: Silence) -> bool:
    if one.code and one.code not in (finding.kind.value, finding.rule):
        return False
    if one.package and one.package not in (finding.needer.name, finding.provider.name):
        return False
    return not one.path or _lies_in(finding, one.path)


def _lies_in(finding: Finding, glob: str) -> bool:
    """Whether all that is seen of the finding, every place that reaches it, or the file that it is about matches."""
    seen = [_without_line(piece.artifact) for piece in finding.evidence]
    starts = [_without_line(chain.partition(ARROW)[0]) for chain in finding.reached_from]
    own = [finding.needer.name] if finding.needer.type is PartyType.FILE else []
    return any(places and all(fnmatchcase(place, glob) for place in places) for places in (seen, starts, own))


def _without_line(place: str) -> str:
    path, _, line = place.rpartition(":")
    return path if line.isdigit() else place
