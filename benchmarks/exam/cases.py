"""The exam's cases: what was run, where, and what happened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Outcome(Enum):
    """What happened when the code was run."""

    OK = "ok"
    ERROR = "error"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One piece of code in one environment."""

    id: str
    environment: str
    family: str
    group: str
    """``import/abi``, ``api`` or ``behaviour``."""
    code: str
    outcome: Outcome
    message: str
    pair: tuple[str, ...]
    """The packages that do not fit, where they were established."""


def read_cases(exam: Path) -> tuple[Case, ...]:
    """Read ``cases.jsonl`` in the exam's folder."""
    lines = (exam / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(_case(json.loads(line)) for line in lines if line.strip())


def _case(row: dict[str, str | list[str]]) -> Case:
    pair = row.get("pair") or []
    return Case(
        id=str(row["id"]),
        environment=str(row["environment"]),
        family=str(row["family"]),
        group=str(row["group"]),
        code=str(row["code"]),
        outcome=Outcome(row["outcome"]),
        message=str(row["message"]),
        pair=tuple(pair if isinstance(pair, list) else [pair]),
    )
