"""What a project tells uv to keep to."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchlink.read.uv_constraints import uv_constraints
from torchlink.solve.uv import Metadata, _configuration


def test_uv_toml_comes_before_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.uv]\nconstraint-dependencies = ["torch==2.3.1"]\n', encoding="utf-8"
    )
    (tmp_path / "src").mkdir()
    assert uv_constraints(tmp_path / "src") == {"constraint-dependencies": ("torch==2.3.1",)}
    (tmp_path / "uv.toml").write_text('override-dependencies = ["numpy<2"]\n', encoding="utf-8")
    assert uv_constraints(tmp_path) == {"override-dependencies": ("numpy<2",)}


@pytest.mark.parametrize("text", ["[tool", "tool = 3", "[tool]\nuv = 3", "[tool.uv]\nconstraint-dependencies = [1]"])
def test_what_cannot_be_read_is_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert uv_constraints(tmp_path) == {}


def test_what_uv_is_taught_keeps_them(tmp_path: Path) -> None:
    taught = (Metadata(name="torch", version="2.3.1", requires=("numpy<2",)),)
    path = _configuration(taught, {"constraint-dependencies": ("torch==2.3.1",)}, tmp_path)
    assert path.read_text(encoding="utf-8").startswith('constraint-dependencies = ["torch==2.3.1"]\n[[dependency')
