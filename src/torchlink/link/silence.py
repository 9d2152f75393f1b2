"""Sets aside the findings that a project knows and accepts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from torchlink.link.cause import ARROW
from torchlink.model.configuration import Silence
from torchlink.model.finding import Finding


def silence(findings: Iterable[Finding], silences: Sequence[Silence]) -> tuple[tuple[Finding, ...], int]:
    """Part the findings that are told from those that the configuration silences.

    Returns:
        The findings that stay, in their order, and how many were silenced.
    """
    every = tuple(findings)
    kept = tuple(finding for finding in every if not any(_matches(finding, one) for one in silences))
    return kept, len(every) - len(kept)


def _matches(finding: Finding, one: Silence) -> bool:
    if one.code and one.code != finding.kind.value:
        return False
    if one.package and one.package not in (finding.needer.name, finding.provider.name):
        return False
    return not one.path or _lies_in(finding, one.path)


def _lies_in(finding: Finding, glob: str) -> bool:
    """Whether all that is seen of the finding, or every place that reaches it, matches a glob."""
    seen = [_without_line(piece.artifact) for piece in finding.evidence]
    starts = [_without_line(chain.partition(ARROW)[0]) for chain in finding.reached_from]
    return any(places and all(fnmatchcase(place, glob) for place in places) for places in (seen, starts))


def _without_line(place: str) -> str:
    path, _, line = place.rpartition(":")
    return path if line.isdigit() else place
