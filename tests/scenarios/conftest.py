"""Fixtures of the scenarios."""

from __future__ import annotations

import shutil
import venv
from pathlib import Path

import pytest

from tests.scenarios.world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> World:
    """An empty environment and an empty project, with a cache of their own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    venv.create(tmp_path / "environment", symlinks=True, with_pip=False)
    (tmp_path / "project").mkdir()
    return World(environment=tmp_path / "environment", project=tmp_path / "project", capture=capsys)


@pytest.fixture
def compiler() -> str:
    """The C compiler; without one the test is skipped."""
    found = shutil.which("gcc") or shutil.which("cc")
    if found is None:
        pytest.skip("there is no C compiler")
    return found
