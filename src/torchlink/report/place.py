"""Where a finding can be shown in the project's own source."""

from __future__ import annotations

import re
from dataclasses import dataclass

from torchlink.model.finding import Finding

_FILE_AND_LINE = re.compile(r"(?P<file>[^\s:]+\.(?:py|pyi|ipynb)):(?P<line>[1-9]\d*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a file."""

    file: str
    line: int


def first_place(finding: Finding) -> Place | None:
    """The file and line at which the best chain begins, where it begins in a file."""
    for chain in finding.reached_from:
        match = _FILE_AND_LINE.match(chain)
        if match:
            return Place(file=match["file"], line=int(match["line"]))
    return None
