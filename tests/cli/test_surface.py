"""Where output goes."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from torchlink.cli import surface


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "stream", "colour"),
    [
        ({}, Terminal(), True),
        ({}, io.StringIO(), False),
        ({"NO_COLOR": "1"}, Terminal(), False),
        ({"NO_COLOR": ""}, Terminal(), True),
        ({"TERM": "dumb"}, Terminal(), False),
    ],
)
def test_colour_only_where_it_is_welcome(
    variables: dict[str, str], stream: io.StringIO, colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert surface.takes_colour(stream) is colour


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("5000", 200), ("nonsense", 100)])
def test_width_is_that_of_columns(columns: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "__stdout__", io.StringIO())
    assert surface.width() == width


def test_a_terminal_that_knows_only_ascii_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    surface.write("a → b, 漢", None)
    sys.stdout.flush()
    assert raw.getvalue() == b"a -> b, \\u6f22"


def test_files_are_utf_8(tmp_path: Path) -> None:
    surface.write("a → b", tmp_path / "report.txt")
    assert (tmp_path / "report.txt").read_bytes() == "a → b".encode()
