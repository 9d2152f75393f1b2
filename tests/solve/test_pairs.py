"""Pairs of releases that are linked; what users see of it is in ``tests/scenarios/test_catalog.py``."""

from __future__ import annotations

from typing import cast

import pytest

from torchlink.model.matrix import Fit
from torchlink.model.report import Report
from torchlink.solve.means import Means
from torchlink.solve.pairs import MOST_PAIRS, Pairs, linked
from torchlink.solve.wheel_set import WheelSet


def test_too_many_pairs_are_not_begun() -> None:
    def judge(wheels: WheelSet) -> Report:
        raise AssertionError(wheels)

    versions = [(f"1.{row}", f"2.{column}") for row in range(MOST_PAIRS) for column in range(2)]
    pairs = Pairs(row="reader", column="shelf", versions=versions)
    cells = linked(pairs, cast("Means", None), judge, lambda stage, done, total: pytest.fail(stage))
    assert {cell.fit for cell in cells.values()} == {Fit.UNKNOWN} and set(cells) == set(versions)
    assert "300 pairs are too many to link: give ranges, such as 'reader>=1.2'" in cells["1.0", "2.0"].evidence
