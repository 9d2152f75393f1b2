"""Probes: what was seen when something was really run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ProbeStatus(Enum):
    """How a probe ended."""

    PASSED = "passed"
    FAILED = "failed"
    CRASHED = "crashed"
    """The interpreter died of a signal."""
    TIMED_OUT = "timed out"
    SKIPPED = "skipped"
    """There is nothing here to run it on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """One probe's result."""

    name: str
    status: ProbeStatus
    elapsed_s: float
    detail: str = ""
    """What it showed: the error's last line, or what was run."""
    tests_passed: int = 0
    """Of a test suite; 0 with ``tests_failed`` 0 where it is none."""
    tests_failed: int = 0

    @property
    def is_suite(self) -> bool:
        return bool(self.tests_passed or self.tests_failed)
