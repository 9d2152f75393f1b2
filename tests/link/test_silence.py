"""A project silences what it knows and accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.samples import OWNERS, broken, numpy_bridge, violated_pin
from torchlink.link.cause import group
from torchlink.link.silence import ignore, silence
from torchlink.model.configuration import Ignore, Silence
from torchlink.model.reference import Broken, Kind, Links, Party, PartyType, Severity

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


def test_a_comment_speaks_for_its_code_and_line_alone() -> None:
    reference = Broken(
        kind=Kind.BEHAVIOUR,
        severity=Severity.BREAK,
        needer=Party(type=PartyType.PROJECT, name="p"),
        provider=Party(type=PartyType.PACKAGE, name="torch"),
        target="x",
        cause="x",
        chain=("train.py:3",),
        rule="torch-load-default",
    )
    links = [Links(broken=(reference,), references=1)]
    for place, code, number in [
        ("train.py:3", "torch-load-default", 0),
        ("train.py:3", "behaviour", 0),
        ("train.py:3", "symbol", 1),
        ("train.py:4", "behaviour", 1),
    ]:
        kept, aside = ignore(links, {place: Ignore(codes=frozenset({code}), reason="r")})
        assert (len(kept[0].broken), len(aside)) == (number, 1 - number)


def test_a_rule_is_silenced_by_its_code() -> None:
    finding = replace(FINDINGS[0], rule="torch-load-default")
    assert silence([finding], (Silence(reason="r", code="torch-load-default"),))[1] == 1
    assert silence([finding], (Silence(reason="r", code="torch-load-refused"),))[1] == 0
