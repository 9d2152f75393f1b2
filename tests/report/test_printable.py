"""Nothing that is inspected can steer a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchlink.report.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("torch 2.1.2+cu121", "torch 2.1.2+cu121"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202eevil", "\\u202eevil"),
        ("\ud800", "\\ud800"),
        ("[bold]name[/bold]", "[bold]name[/bold]"),
        ("naïve → 漢字", "naïve → 漢字"),
    ],
)
def test_control_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_nothing_hidden_is_left(text: str) -> None:
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in printable(text))


def test_absurdly_long_text_is_cut() -> None:
    assert printable("x" * 10_000).endswith("… (6000 more characters)")
