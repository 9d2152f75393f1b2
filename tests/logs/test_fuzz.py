"""Hostile logs: nothing raises, and no pattern takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torchlink.logs.log import explain_log, read_log
from torchlink.rules.signatures import entries

EXAMPLES = tuple(example for entry in entries() for example in entry.signature().examples)
ANCHORS = tuple(anchor for entry in entries() for anchor in entry.anchors)
LONGEST_S = 10.0
"""Of processor time, for one log of a few hundred kilobytes. A pattern that backtracks takes minutes."""


def timed(text: str) -> float:
    began = time.process_time()
    log = read_log(text.encode("utf-8", "surrogatepass"), "log")
    explain_log(log, log.context)
    return time.process_time() - began


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(st.sampled_from(EXAMPLES), st.text(max_size=200)), max_size=12))
def test_pieces_of_logs_in_any_order(pieces: list[str]) -> None:
    assert timed("\n".join(pieces)) < LONGEST_S


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(EXAMPLES), st.integers(0, 400), st.integers(0, 400), st.text(max_size=20))
def test_examples_that_are_cut_and_mixed(example: str, first: int, last: int, between: str) -> None:
    assert timed(example[:first] + between + example[-last:]) < LONGEST_S


@pytest.mark.parametrize("filling", ["a", "a.", "[1, ", "a b ", "'\"(", "1.1"])
def test_long_lines_around_every_anchor(filling: str) -> None:
    side = filling * (900 // len(filling))
    text = "".join(f"{side}{anchor}{side}\n" for anchor in ANCHORS[::4])
    assert timed(text) < 4 * LONGEST_S


def test_an_anchor_on_every_line() -> None:
    text = "".join(f"{anchor} {place}{'x' * place}\n" for place in range(30) for anchor in ANCHORS)
    assert timed(text) < LONGEST_S
