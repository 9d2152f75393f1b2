"""Releases in words."""

from __future__ import annotations

import pytest

from torchlink.model.exports import spans

EVERY = ("2.1.0", "2.1.1", "2.2.0", "2.3.0", "2.4.0")


@pytest.mark.parametrize(
    ("some", "expected"),
    [
        ((), ""),
        (("2.2.0",), "2.2.0"),
        (("2.1.0", "2.1.1"), "2.1.0 to 2.1.1"),
        (("2.1.0", "2.2.0"), "2.1.0 and 2.2.0"),
        (("2.1.0", "2.2.0", "2.3.0"), "2.1.0 and 2.2.0 to 2.3.0"),
        (("2.1.0", "2.2.0", "2.4.0"), "2.1.0, 2.2.0 and 2.4.0"),
        (EVERY, "2.1.0 to 2.4.0"),
    ],
)
def test_neighbours_are_joined(some: tuple[str, ...], expected: str) -> None:
    assert spans(some, EVERY) == expected
