"""Fixtures of the import linker's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.link.importing.paper import Paper, make


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    """An empty environment and an empty project."""
    return make(tmp_path)
