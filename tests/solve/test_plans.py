"""Plans: what moves, what it costs, and their order."""

from __future__ import annotations

from dataclasses import replace

from tests.samples import report
from torchlink.model.plan import Plan, Step, Violation
from torchlink.solve.moves import is_same, moves_sentence
from torchlink.solve.plan import Fixes, ranked, with_plans
from torchlink.solve.uv import parse_answer, uv_platform

BASE = Plan(id="", rank=0, summary="", resolves=("x",), certainty="proven", unknown=0, steps=())
UP = Step(op="set", package="a", old="1.0", new="2.0")
DOWN = Step(op="set", package="a", old="2.0", new="1.0")


def test_plans_are_ranked_by_what_they_cost() -> None:
    against = replace(BASE, summary="against", steps=(UP,), violates=(Violation(constraint="a==1", file="r", line=1),))
    two = replace(BASE, summary="two", steps=(UP, replace(UP, package="b")))
    down = replace(BASE, summary="down", steps=(DOWN,))
    large = replace(BASE, summary="large", steps=(UP,), download_bytes=9)
    small = replace(BASE, summary="small", steps=(UP,), download_bytes=1)
    guess = replace(BASE, summary="guess", certainty="suggested", steps=(UP,))
    order = ranked([guess, against, two, down, large, small])
    assert [plan.summary for plan in order] == ["small", "large", "down", "two", "against", "guess"]
    assert [plan.id for plan in order][:2] == ["p1", "p2"] and order[0].rank == 1


def test_what_rules_advise_comes_after_the_plans() -> None:
    advice = replace(BASE, id="rule:1", rank=1, certainty="suggested", steps=(Step(op="env", new="A=1"),))
    found = with_plans(replace(report(), plans=(advice,)), Fixes(plans=ranked([BASE]), without=()))
    assert [(plan.id, plan.rank) for plan in found.plans] == [("p1", 1), ("rule:1", 2)]


def test_a_local_build_stays_where_the_index_has_the_plain_one() -> None:
    assert is_same("2.1.2+cu121", "2.1.2") and is_same("2.0", "2.0")
    assert not is_same("2.1.2", "2.1.2+cu121") and not is_same("", "1.0")
    assert is_same("0.1.1-2209072238", "0.1.1.post2209072238")  # thop's wheel has the one, the index the other


def test_what_an_install_moves_is_said_with_torch_first() -> None:
    present = {"torch": "2.4.0", "numpy": "2.0.2", "nvidia-x": "1"}
    versions = {"torch": "2.5.1", "numpy": "1.26.4", "nvidia-x": "2", "xformers": "0.0.29"}
    assert moves_sentence(present, versions) == (
        "the install would change: torch 2.4.0 → 2.5.1, numpy 2.0.2 → 1.26.4, nvidia-x 1 → 2, add xformers 0.0.29; "
        "torch would be replaced"
    )
    assert moves_sentence(present, {"numpy": "2.0.2"}) == "the install would change nothing"


def test_uvs_answer_and_its_names_for_platforms() -> None:
    text = "Torch==2.1.2\ntwo.words[x,y]==1.0 ; python_version > '3'\nhere @ https://x/here-1-py3-none-any.whl\n# no\n"
    assert [(one.name, one.version, one.url) for one in parse_answer(text)] == [
        ("torch", "2.1.2", ""),
        ("two-words", "1.0", ""),
        ("here", "", "https://x/here-1-py3-none-any.whl"),
    ]
    assert uv_platform("manylinux_2_28_x86_64") == "x86_64-manylinux_2_28"
    assert uv_platform("win_amd64") == "x86_64-pc-windows-msvc"
    assert uv_platform("macosx_14_0_arm64") == "aarch64-apple-darwin"
    assert uv_platform("linux_aarch64") == "aarch64-unknown-linux-gnu"
