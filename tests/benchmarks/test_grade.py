"""The exam's rules."""

from __future__ import annotations

import pytest

from benchmarks.exam.cases import Case, Outcome
from benchmarks.exam.grade import Answer, grade, sum_up
from tests.samples import numpy_bridge, violated_pin
from torchlink.link.cause import group
from torchlink.model.finding import Finding
from torchlink.model.reference import Links

(BREAK,) = group([Links(broken=(numpy_bridge(),))])
(RISK,) = group([Links(broken=(violated_pin(),))])


def answered(outcome: str, findings: tuple[Finding, ...], pair: tuple[str, ...] = (), kind: str = "api") -> Answer:
    case = Case(
        id="x",
        environment="e",
        family="torch-numpy",
        group=kind,
        code="import torch",
        outcome=Outcome(outcome),
        message="",
        pair=pair,
    )
    return Answer(case=case, findings=findings)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (answered("ok", ()), True),
        (answered("ok", (RISK,)), True),
        (answered("ok", (BREAK,)), False),
        (answered("error", (BREAK,)), True),
        (answered("error", (BREAK,), ("torch", "numpy")), True),
        (answered("error", (BREAK,), ("torchvision", "torch")), False),
        (answered("error", (RISK,)), False),
        (answered("error", (RISK,), kind="behaviour"), True),
        (answered("ok", (BREAK,), kind="behaviour"), False),
        (answered("degraded", (RISK,), ("torchvision", "torch")), True),
        (answered("degraded", (BREAK,), ("numpy",)), True),
        (answered("degraded", (BREAK, RISK), ("numpy", "torchvision")), False),
        (answered("degraded", ()), False),
    ],
)
def test_rules(answer: Answer, right: bool) -> None:
    assert grade(answer).right is right


def test_no_answer_is_never_right() -> None:
    answer = Answer(case=answered("ok", ()).case, findings=(), failure="exit 3")
    assert not grade(answer).right
    assert sum_up([grade(answer)]).failures == 1
