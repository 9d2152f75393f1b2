"""Where the user's tools look for packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchlink.model.errors import TorchlinkError
from torchlink.read.index_settings import IndexSettings, index_settings
from torchlink.read.requirement_options import RequirementOptions, requirement_options
from torchlink.read.uv_program import default_index


def settings(home: Path, project: Path | None = None, index_url: str = "", **variables: str) -> IndexSettings:
    return index_settings(project, {"HOME": str(home), "PIP_CONFIG_FILE": str(home / "none"), **variables}, index_url)


def test_pips_file_counts_where_uv_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / ".config" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True)
    file.write_text("[global]\nindex-url = https://a.example/simple\nextra-index-url =\n  https://b.example\n")
    found = settings(tmp_path)
    assert found.indexes == ("https://b.example", "https://a.example/simple") and found.merged
    assert settings(tmp_path, UV_INDEX_URL="https://c.example").indexes[-1] == "https://c.example"
    assert settings(tmp_path, index_url="https://d.example").indexes[-1] == "https://d.example"


def test_uvs_project_file_and_variables(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.uv]\nfind-links = ["wheels"]\n[[tool.uv.index]]\nname = "t"\nurl = "https://t.example"\n'
        '[[tool.uv.index]]\nname = "e"\nurl = "https://e.example"\nexplicit = true\n'
    )
    found = settings(tmp_path, tmp_path)
    assert found.indexes == ("https://t.example", default_index())
    assert found.find_links == (str(tmp_path / "wheels"),)
    assert settings(tmp_path, tmp_path, UV_FIND_LINKS="/x,/y").find_links == ("/x", "/y")


def test_a_broken_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "uv.toml").write_text("=")
    with pytest.raises(TorchlinkError, match="is no TOML"):
        settings(tmp_path, tmp_path)


def test_options_of_requirements_files_come_first(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "base.in").write_text("--extra-index-url https://b.example\n-r requirements.txt\nsix\n")
    (tmp_path / "requirements.txt").write_text(
        "-i https://a.example/simple  # ours\n--extra-index-url=https://${TOKEN}@t.example\n"
        "-f house\n-r base.in\n-c c.txt\n"
    )
    options = requirement_options([tmp_path / "requirements.txt", tmp_path / "none.txt", tmp_path / "pyproject.toml"])
    assert options == RequirementOptions(
        index="https://a.example/simple",
        extra=("https://b.example",),
        find_links=(str(tmp_path / "house"),),
        constraints=(tmp_path / "c.txt",),
    )
    variables = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "none"), "UV_INDEX_URL": "https://c.example"}
    found = index_settings(None, variables, "", [tmp_path / "requirements.txt"])
    assert found.indexes == ("https://b.example", "https://a.example/simple") and not found.merged
