"""The JSON report: of the shape that its schema promises, and read back as the same value."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import torchlink.report
from tests.samples import report, sound_report
from torchlink.model.errors import UnreadableError
from torchlink.model.finding import Certainty
from torchlink.model.plan import Plan, Step, Violation
from torchlink.model.reference import Kind, PartyType, Severity
from torchlink.model.report import Artifact, Report, Verdict
from torchlink.report.json import SCHEMA, document, dump, load, render

SCHEMA_FILE = Path(next(iter(torchlink.report.__path__))) / "schema.json"


def full_report() -> Report:
    """A report with a value in every place."""
    step = Step(op="set", package="numpy", old="2.2.6", new="1.26.4", file="requirements.txt", line=3)
    plan = Plan(
        id="p1",
        rank=1,
        summary="numpy 2.2.6 → 1.26.4",
        resolves=("numpy-abi:torch:numpy",),
        certainty="proven",
        unknown=0,
        steps=(step,),
        violates=(Violation(constraint="numpy>=2", file="requirements.txt", line=3),),
        download_bytes=18_000_000,
    )
    artifact = Artifact(path="best.pt", verdict="clean", content={"format": "torch-zip", "storages": [1, 2]})
    return replace(report(), plans=(plan,), artifacts=(artifact,))


def schema() -> dict[str, object]:
    parsed: dict[str, object] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return parsed


@pytest.mark.parametrize("value", [report(), sound_report(), full_report()])
def test_a_report_is_of_its_schema_and_comes_back_the_same(value: Report) -> None:
    jsonschema.Draft202012Validator(schema()).validate(json.loads(render(value)))
    assert load(render(value)) == value
    assert load(dump(value)) == value


def test_the_schema_knows_every_word_of_the_model() -> None:
    text = SCHEMA_FILE.read_text(encoding="utf-8")
    for words in (Kind, Severity, PartyType, Certainty, Verdict):
        for word in words:
            assert f'"{word.value}"' in text


def test_the_document_has_the_members_of_the_design_in_its_order() -> None:
    members = list(document(full_report()))
    assert members[:9] == [
        "schema",
        "torchlink",
        "verdict",
        "elapsed_s",
        "target",
        "findings",
        "plans",
        "artifacts",
        "coverage",
    ]
    assert document(full_report())["schema"] == SCHEMA


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": "torchlink.report/2"}', '{"schema": "torchlink.report/1"}', "[" * 100_000, "\ud800"],
)
def test_what_is_no_report_is_one_clear_error(text: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        load(text)
    assert "report" in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(document(full_report()))), JSON)
def test_a_report_with_a_member_replaced_is_read_or_refused(member: str, value: object) -> None:
    changed = {**document(full_report()), member: value}
    try:
        load(json.dumps(changed))
    except UnreadableError:
        return
