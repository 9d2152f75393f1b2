"""How uv is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchlink.read.index_settings import IndexSettings
from torchlink.read.uv_program import find_uv
from torchlink.solve.uv import Uv, Wish


def test_files_are_named_from_where_the_caller_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv runs in the project's folder, for its configuration."""
    (tmp_path / "project").mkdir()
    (tmp_path / "wanted.txt").write_text("-r more.txt\n")
    (tmp_path / "more.txt").write_text("")
    (tmp_path / "bounds.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    uv = Uv(
        program=find_uv(),
        settings=IndexSettings(indexes=("",)),
        offline=True,
        folder=Path("project"),
        python_version="3.11",
    )
    assert uv.resolve(Wish(files=(Path("wanted.txt"),), constraints=(Path("bounds.txt"),))) == ()
