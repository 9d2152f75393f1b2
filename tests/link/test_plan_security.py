"""What a plan means for security, by the rules whose advice it follows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.samples import report
from torchlink.link.behaviour_plans import with_security
from torchlink.model.plan import Plan, Step
from torchlink.rules.behaviour import behaviour_rules


def moving(package: str, old: str, new: str, security: str = "") -> Plan:
    return Plan(
        id="p1",
        rank=1,
        summary="",
        resolves=("a",),
        certainty="proven",
        unknown=0,
        steps=(Step(op="set", package=package, old=old, new=new),),
        security=security,
    )


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (moving("ultralytics", "8.1.0", "8.4.0"), "Whoever wrote the model file can run any code on this machine"),
        (moving("ultralytics", "8.1.0", "8.2.0"), ""),
        (moving("ultralytics", "8.2.70", "8.4.0"), ""),
        (moving("torch", "2.9.0", "2.5.1"), "CVE-2025-32434"),
        (moving("torch", "2.9.0", "2.5.1", "known"), "known"),
        (replace(moving("ultralytics", "8.1.0", "8.4.0"), resolves=("b",)), ""),
    ],
)
def test_what_the_rule_says_of_the_range_that_is_entered(plan: Plan, said: str) -> None:
    found = replace(report().findings[0], id="a", rule="torch-load-default")
    (told,) = with_security(replace(report(), findings=(found,), plans=(plan,)), behaviour_rules()).plans
    assert said in told.security and bool(said) == bool(told.security)
