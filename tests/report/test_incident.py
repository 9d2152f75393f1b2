"""The incident report: only what there is data for, and nothing in it is markup."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.samples import report
from torchlink.link.detours import with_detours
from torchlink.model.incident import Incident, Reference
from torchlink.model.matrix import Cell, Fit, Matrix
from torchlink.model.plan import Plan, Step, Violation
from torchlink.model.reference import Evidence
from torchlink.report.incident import FORMATS, render, sections

CHOSEN = Plan(
    id="p1",
    rank=1,
    summary="numpy 2.2.6 → 1.26.4",
    resolves=("a",),
    certainty="proven",
    unknown=0,
    steps=(Step(op="set", package="numpy", old="2.2.6", new="1.26.4"),),
)
OTHER = replace(
    CHOSEN,
    id="p2",
    rank=2,
    summary="<b>torch</b> | 2.1.2 → 2.2.0",
    steps=(Step(op="set", package="torch", old="2.1.2", new="2.2.0"), Step(op="add", package="x", new="1")),
    violates=(Violation(constraint="torch<2.2", file="requirements.txt", line=3),),
)


def names(incident: Incident) -> list[str]:
    return [name for name, _ in sections(incident)]


def test_a_section_without_data_is_left_out() -> None:
    bare = replace(report(), findings=(), plans=())
    assert names(Incident(report=bare)) == ["Summary", "Environment"]
    unknown = Matrix(
        row_package="a",
        column_package="b",
        rows=("1",),
        columns=("2",),
        cells={("1", "2"): Cell(fit=Fit.UNKNOWN, evidence="")},
        python="3.11",
        platform="linux_x86_64",
    )
    assert "Compatibility matrix" not in names(Incident(report=bare, matrices=(unknown,)))
    known = replace(unknown, cells={("1", "2"): Cell(fit=Fit.WORKS, evidence="")})
    source = Reference(rule="torch-load-default", release="torch 2.6.0", file="torch/serialization.py", detail="True")
    told = names(Incident(report=bare, matrices=(known,), references=(source,)))
    assert told == ["Summary", "Environment", "Compatibility matrix", "References"]


def test_why_an_alternative_was_not_taken() -> None:
    incident = Incident(report=replace(report(), plans=(CHOSEN, OTHER)), chosen=CHOSEN)
    text = render(incident, "markdown")
    assert "goes against torch\\<2.2 (requirements.txt:3); moves 2 packages, not 1" in text


def test_a_way_around_names_its_places_and_what_it_leaves_broken() -> None:
    calls = (
        Evidence(artifact="detect.py:25", detail="calls from_numpy()"),
        Evidence(artifact="detect.py:60", detail="calls .numpy()"),
    )
    found = replace(report(), plans=(CHOSEN,))
    seen = tuple(replace(one, evidence=(*one.evidence, calls[0])) for one in found.findings[:1])
    told = with_detours(replace(found, findings=(*seen, *found.findings[1:])), calls)
    assert told.plans[1].id in told.findings[0].plans and told.plans[1].rank == 2
    text = render(Incident(report=told, chosen=CHOSEN), "markdown").replace("\\", "")
    assert "avoid the project's 2 calls that need numpy in torch" in text
    assert "is suggested only; leaves torch 2.1.2+cu121 and numpy 2.2.6 broken" in text
    assert "- detect.py:25: calls from_numpy()\n- detect.py:60: calls .numpy()" in text
    assert with_detours(found, calls) == found


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_in_it_is_markup(form: str) -> None:
    incident = Incident(report=replace(report(), plans=(CHOSEN, OTHER)), chosen=CHOSEN)
    text = render(incident, form)
    if form == "json":
        assert json.loads(text)["schema"] == "torchlink.incident/1"
    else:
        assert "<b>torch" not in text
        assert form == "html" or "\\| 2.1.2 → 2.2.0" in text
