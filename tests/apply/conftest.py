"""The environment of the scenarios serves here too."""

from __future__ import annotations

from tests.scenarios.conftest import world

__all__ = ["world"]
