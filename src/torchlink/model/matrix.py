"""Which versions of two packages work together, and what shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Fit(Enum):
    """How two releases go together."""

    WORKS = "works"
    """The bytes of one fit the other."""
    IMPORTS = "imports"
    """Their bytes do not speak of each other, and importing both meets nothing of one that is missing in the other."""
    BREAKS = "breaks"
    """The bytes of one refuse the other, or its source needs what the other does not have."""
    REFUSED = "refused"
    """The bytes fit, and the metadata of one forbids the other."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Two releases."""

    fit: Fit
    evidence: str
    """Which wheel, and what in it shows this; why it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Two packages, by their versions."""

    row_package: str
    column_package: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]
    """By the versions of both: row, column."""
    python: str
    platform: str
