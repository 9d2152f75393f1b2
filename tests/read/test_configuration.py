"""``[tool.torchlink]``: read, or refused with one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchlink.model.configuration import Configuration, Silence
from torchlink.model.errors import TorchlinkError
from torchlink.read.configuration import read_configuration


def configured(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool.ruff]\nline-length = 100\n"])
def test_a_project_that_says_nothing_has_the_empty_configuration(tmp_path: Path, text: str) -> None:
    assert read_configuration(tmp_path) == Configuration()
    assert read_configuration(configured(tmp_path, text)) == Configuration()


def test_silences_are_read_and_names_normalised(tmp_path: Path) -> None:
    text = """
[[tool.torchlink.silence]]
code = "requires"
package = "Huggingface_Hub"
reason = "patched by hand"

[[tool.torchlink.silence]]
path = "tests/*"
reason = "not shipped"
"""
    assert read_configuration(configured(tmp_path, text)).silences == (
        Silence(code="requires", package="huggingface-hub", reason="patched by hand"),
        Silence(path="tests/*", reason="not shipped"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[tool.torchlink.silence]]\ncode = 'requires'\n", "has no reason"),
        ("[[tool.torchlink.silence]]\nreason = 'all'\n", "would silence everything"),
        ("[[tool.torchlink.silence]]\ncode = 'requiers'\nreason = 'r'\n", "no kind of finding"),
        ("[[tool.torchlink.silence]]\ncode = 1\nreason = 'r'\n", "not a string"),
        ("[[tool.torchlink.silence]]\nkind = 'requires'\nreason = 'r'\n", "no key 'kind'"),
        ("[tool.torchlink]\nsilence = 'all'\n", "not a list"),
        ("[tool.torchlink]\nsilence = ['all']\n", "not a table"),
        ("[tool.torchlink]\nsilences = []\n", "no setting 'silences'"),
        ("[tool]\ntorchlink = 3\n", "not a table"),
        ("[tool.torchlink\n", "not valid TOML"),
        ("a = " + "[" * 5000, "not valid TOML"),
    ],
)
def test_what_is_not_understood_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TorchlinkError) as caught:
        read_configuration(configured(tmp_path, text))
    line = str(caught.value)
    assert said in line
    assert "\n" not in line
    assert "pyproject.toml" in line


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TorchlinkError, match="not valid TOML"):
        read_configuration(tmp_path)
