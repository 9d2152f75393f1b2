"""``torchlink check`` around the pipeline: formats, exit codes, errors. What it finds is tested in the scenarios."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import torchlink
from tests.samples import report, sound_report
from torchlink.cli.check import exit_code
from torchlink.cli.main import run
from torchlink.model.errors import TorchlinkError
from torchlink.model.report import Report
from torchlink.report.json import load


class StagedPipeline(ModuleType):
    """Stands in for the pipeline with a report, or an error, that the test chooses."""

    def __init__(self, outcome: Report | BaseException) -> None:
        super().__init__("torchlink.pipeline")
        self.outcome = outcome

    def check(
        self,
        project: Path | None,
        *,
        python: Path | None,
        machine: Path | None,
        cache: bool,
        progress: Callable[[str, int, int], None],
        meanwhile: Callable[[], None],
    ) -> Report:
        meanwhile()
        progress("reading", 1, 2)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Callable[[Report | BaseException], None]:
    def staged(outcome: Report | BaseException) -> None:
        pipeline = StagedPipeline(outcome)
        monkeypatch.setitem(sys.modules, "torchlink.pipeline", pipeline)
        monkeypatch.setattr(torchlink, "pipeline", pipeline, raising=False)

    return staged


Stage = Callable[[Report | BaseException], None]
Capture = pytest.CaptureFixture[str]


def test_breaks_exit_with_1_and_are_shown(stage: Stage, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    stage(report())
    assert run(["check"]) == 1
    out, err = capsys.readouterr()
    assert "BREAK     torch 2.1.2+cu121 was built for NumPy 1" in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 60
    assert err == ""


def test_sound_exits_with_0(stage: Stage, capsys: Capture) -> None:
    stage(sound_report())
    assert run(["check"]) == 0
    assert "Verdict sound" in capsys.readouterr().out


def test_json_is_the_whole_report(stage: Stage, capsys: Capture) -> None:
    stage(report())
    assert run(["check", "--format", "json"]) == 1
    assert load(capsys.readouterr().out) == report()


def test_json_of_one_finding_holds_that_one_alone(stage: Stage, capsys: Capture) -> None:
    stage(report())
    assert run(["check", "--format", "json", "--explain", "symbol:torchvision:torch"]) == 1
    assert [one["id"] for one in json.loads(capsys.readouterr().out)["findings"]] == ["symbol:torchvision:torch"]


def test_an_unknown_id_is_one_line(stage: Stage, capsys: Capture) -> None:
    stage(report())
    assert run(["check", "--explain", "symbol:torch"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "no finding has this id" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("fail_on", ["break", "risk", "unknown"])
def test_fail_on_sets_the_bar(fail_on: str) -> None:
    risks = tuple(finding for finding in report().findings if finding.severity.value == "risk")
    assert exit_code(report(), fail_on) == 1
    assert exit_code(sound_report(), fail_on) == 0
    only_risks = load_with(findings=risks)
    assert exit_code(only_risks, fail_on) == (fail_on != "break")


def load_with(findings: tuple[object, ...]) -> Report:
    from dataclasses import replace

    kept = tuple(finding for finding in report().findings if finding in findings)
    return replace(report(), findings=kept)


def test_output_goes_to_a_file(stage: Stage, capsys: Capture, tmp_path: Path) -> None:
    stage(report())
    assert run(["check", "--format", "json", "--output", str(tmp_path / "report.json")]) == 1
    assert capsys.readouterr().out == ""
    assert load((tmp_path / "report.json").read_text(encoding="utf-8")) == report()


def test_a_file_that_cannot_be_written_is_one_line(stage: Stage, capsys: Capture, tmp_path: Path) -> None:
    stage(report())
    assert run(["check", "--output", str(tmp_path / "no" / "report.json")]) == 2
    assert "cannot be written (No such file or directory)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (TorchlinkError("no environment", where="/x", mend="give --python"), 2, "/x: no environment; give --python"),
        (ZeroDivisionError("by\nzero"), 3, "torchlink itself failed: ZeroDivisionError: by zero; --debug shows where"),
    ],
)
def test_errors_are_one_line(outcome: Exception, code: int, said: str, stage: Stage, capsys: Capture) -> None:
    stage(outcome)
    assert run(["check"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_debug_shows_the_traceback(stage: Stage, capsys: Capture) -> None:
    stage(ZeroDivisionError("by zero"))
    assert run(["check", "--debug"]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_quiet(stage: Stage, capsys: Capture) -> None:
    stage(KeyboardInterrupt())
    assert run(["check"]) == 130
    assert capsys.readouterr() == ("", "")
