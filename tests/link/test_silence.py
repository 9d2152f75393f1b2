"""A project silences what it knows and accepts."""

from __future__ import annotations

import pytest

from tests.samples import OWNERS, broken, numpy_bridge, violated_pin
from torchlink.link.cause import group
from torchlink.link.silence import silence
from torchlink.model.configuration import Silence
from torchlink.model.reference import Links

FINDINGS = group([Links(broken=(numpy_bridge(), violated_pin()))], owners=OWNERS)


@pytest.mark.parametrize(
    ("one", "silenced"),
    [
        (Silence(reason="r", code="requires"), 1),
        (Silence(reason="r", package="numpy"), 1),
        (Silence(reason="r", package="torch"), 2),
        (Silence(reason="r", code="requires", package="numpy"), 0),
        (Silence(reason="r", path="torch/lib/*"), 1),
        (Silence(reason="r", path="train.py"), 1),
        (Silence(reason="r", path="tests/*"), 0),
    ],
)
def test_every_part_that_is_given_must_match(one: Silence, silenced: int) -> None:
    kept, number = silence(FINDINGS, (one,))
    assert number == silenced
    assert len(kept) == len(FINDINGS) - silenced


def test_a_path_silences_only_what_lies_in_it_entirely() -> None:
    scattered = broken(evidence=(("tests/a.py:3", "x"), ("src/b.py:4", "x")))
    findings = group([Links(broken=(scattered,))])
    assert silence(findings, (Silence(reason="r", path="tests/*"),))[1] == 0
