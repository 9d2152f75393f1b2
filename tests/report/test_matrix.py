"""Matrices in each of their formats."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

from torchlink.model.matrix import Cell, Fit, Matrix
from torchlink.report.matrix import FORMATS, render

EVIDENCE = "a-1.whl: a/x.so <knows> only NumPy 1"
MATRIX = Matrix(
    row_package="a",
    column_package="numpy",
    rows=("1", "2"),
    columns=("1.26.4", "2.0.2"),
    cells={
        ("1", "1.26.4"): Cell(fit=Fit.WORKS, evidence=EVIDENCE),
        ("1", "2.0.2"): Cell(fit=Fit.BREAKS, evidence=EVIDENCE),
        ("2", "1.26.4"): Cell(fit=Fit.REFUSED, evidence="a-2.whl: Requires-Dist: numpy>=2"),
        ("2", "2.0.2"): Cell(fit=Fit.UNKNOWN, evidence="not known"),
    },
    python="3.11.7",
    platform="linux_x86_64",
)


def test_every_format_has_every_word() -> None:
    for form in FORMATS:
        text = render((MATRIX,), form=form)
        assert "1.26.4" in text and "2.0.2" in text
        if form != "json":
            assert all(sign in text for sign in ("yes", "NO", "pin", "?"))


def test_a_narrow_terminal_gets_several_tables() -> None:
    lines = render((MATRIX,), form="terminal", width=44).splitlines()
    assert max(map(len, lines)) <= 44


def test_json_has_the_evidence_of_each_cell() -> None:
    (matrix,) = json.loads(render((MATRIX,), form="json"))["matrices"]
    assert matrix["cells"][1] == {"row": "1", "column": "2.0.2", "fit": "breaks", "evidence": EVIDENCE}


def test_the_picture_is_well_formed_and_tells_evidence() -> None:
    root = ElementTree.fromstring(render((MATRIX, MATRIX), form="svg"))
    titles = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) == 8 and titles[1].endswith(EVIDENCE)
