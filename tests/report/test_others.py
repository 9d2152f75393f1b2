"""Markdown, SARIF, JUnit and workflow commands: whole where people read them, parsed where programs do."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from tests.samples import broken, package, report, sound_report
from torchlink.link.cause import group
from torchlink.model.reference import Links
from torchlink.model.report import Report
from torchlink.report.formats import FORMATS, render


def hostile(name: str) -> Report:
    """A report in which an inspected package chose the words."""
    evil = broken(
        needer=package(name, "1.0"), cause=name, symptom=name, evidence=((name, name),), chain=("train.py:3", name)
    )
    return replace(report(), findings=group([Links(broken=(evil,))]))


def test_markdown() -> None:
    assert render(report(), form="markdown") == snapshot("""\
# torchlink: broken: 2 breaks, 1 risk, 1 note

`/home/ada/demo/.venv`, Python 3.11.7, linux\\_x86\\_64

## BREAK: torch 2.1.2+cu121 was built for NumPy 1; numpy 2.2.6 is installed

- id: `numpy-abi:torch:numpy`
- cause: libtorch\\_python.so knows only numpy.core.\\_multiarray\\_umath, which NumPy 2 refuses.
- symptom: `RuntimeError: Numpy is not available`
- seen in `torch/lib/libtorch_python.so`: `knows only numpy.core._multiarray_umath`
- reached: `train.py:3 → torchvision → torchvision/__init__.py:6 → torch`
- culprits: `numpy`, `torch`
- affects: `torchvision`

## BREAK: torchvision 0.17.0 was built for another torch than 2.1.2+cu121

- id: `symbol:torchvision:torch`
- cause: torchvision/\\_C.so was built for torch 2.2; torch 2.1.2 does not export what it needs.
- symptom: `OSError: torchvision/_C.so: undefined symbol: _ZN2at4_ops8op0004callERKNS_6TensorE`
- seen in `torchvision/_C.so`: `at::_ops::op000::call(at::Tensor const&)`
- seen in `torchvision/_C.so`: `at::_ops::op001::call(at::Tensor const&)`
- seen in `torchvision-0.17.0.dist-info/METADATA`: `Requires-Dist: torch==2.2.0`
- and 398 more references with this cause
- reached: `train.py:3 → torchvision → torchvision/extension.py:34`
- culprits: `torch`, `torchvision`

## Risks

- diffusers 0.21.4 requires huggingface-hub\\<0.26,\\>=0.20; huggingface-hub 1.2.0 is installed (`requires:diffusers:huggingface-hub`)

## Notes

- diffusers 0.21.4 needs py3; huggingface-hub 1.2.0 is installed (`platform:diffusers:huggingface-hub`)

Looked at 125 distributions, 4,210 reached modules, 502 native libraries, 93,210 references in 1.9 s. Not decided: 7.
""")


def test_workflow_commands() -> None:
    assert render(report(), form="github") == snapshot("""\
::error file=train.py,line=3,title=torch 2.1.2+cu121 was built for NumPy 1; numpy 2.2.6 is installed::libtorch_python.so knows only numpy.core._multiarray_umath, which NumPy 2 refuses. RuntimeError: Numpy is not available [numpy-abi:torch:numpy]
::error file=train.py,line=3,title=torchvision 0.17.0 was built for another torch than 2.1.2+cu121::torchvision/_C.so was built for torch 2.2; torch 2.1.2 does not export what it needs. OSError: torchvision/_C.so: undefined symbol: _ZN2at4_ops8op0004callERKNS_6TensorE [symbol:torchvision:torch]
::warning title=diffusers 0.21.4 requires huggingface-hub<0.26%2C>=0.20; huggingface-hub 1.2.0 is installed::It does not resolve [requires:diffusers:huggingface-hub]
::notice title=diffusers 0.21.4 needs py3; huggingface-hub 1.2.0 is installed::It does not resolve [platform:diffusers:huggingface-hub]
torchlink: broken: 2 breaks, 1 risk, 1 note
""")


def test_junit_counts_what_it_holds() -> None:
    suite = ElementTree.fromstring(render(report(), form="junit"))
    cases = suite.findall("testcase")
    assert suite.attrib["tests"] == str(len(cases)) == "5"
    assert suite.attrib["failures"] == str(len(suite.findall("testcase/failure"))) == "2"
    assert suite.attrib["skipped"] == str(len(suite.findall("testcase/skipped"))) == "1"


def test_sarif_points_at_the_line_that_reaches_the_break() -> None:
    (run,) = json.loads(render(report(), form="sarif"))["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} == rules
    assert [result["level"] for result in run["results"]] == ["error", "error", "warning", "note"]
    assert run["results"][0]["locations"] == [
        {"physicalLocation": {"artifactLocation": {"uri": "train.py"}, "region": {"startLine": 3}}}
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_renders_every_report(form: str) -> None:
    for value in (report(), sound_report()):
        assert render(value, form=form).endswith("\n")
    assert "symbol:torchvision:torch" in render(report(), form=form, explain="symbol:torchvision:torch")


@given(st.text(min_size=1, max_size=30))
def test_whatever_a_package_is_called_the_documents_stay_whole(name: str) -> None:
    value = hostile(name)
    ElementTree.fromstring(render(value, form="junit"))
    json.loads(render(value, form="sarif"))
    commands = render(value, form="github").splitlines()
    assert len(commands) == 2
    assert commands[0].startswith("::error file=train.py,line=3,title=")


def test_markup_in_a_name_stays_text() -> None:
    shown = render(hostile("<img src=x>`|[a](b)"), form="markdown")
    assert "\\<img src=x\\>\\`\\|\\[a\\](b)" in shown
    assert "`` <img src=x>`|[a](b) ``" in shown
