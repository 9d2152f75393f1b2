"""``torchlink explain`` from the command line."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import jsonschema
import pytest
from inline_snapshot import snapshot

import torchlink.report.json as report_json
from torchlink.cli.main import run

SCHEMA = json.loads(Path(report_json.__file__).with_name("schema.json").read_text(encoding="utf-8"))
BROKEN = b"Traceback (most recent call last):\nRuntimeError: Numpy is not available\n"
OTHER = b"Traceback (most recent call last):\nKeyError: 'learning_rate'\n"
CALM = b"step 1\nstep 2\n"


@pytest.fixture(autouse=True)
def no_environment_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")


def piped(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("data", "more", "code", "verdict"),
    [
        (BROKEN, [], 1, "broken: 1 break"),
        (OTHER, [], 0, "not an incompatibility that I know; 1 error that torchlink does not know"),
        (OTHER, ["--fail-on", "unknown"], 1, "not an incompatibility that I know"),
        (CALM, [], 0, "sound: there is no error in this log"),
        (b"", [], 0, "sound: there is no error in this log"),
        (BROKEN + OTHER, [], 1, "broken: 1 break; 1 error that torchlink does not know"),
    ],
)
def test_exit_codes_and_verdicts(
    data: bytes, more: list[str], code: int, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "error.log").write_bytes(data)
    assert run(["explain", str(tmp_path / "error.log"), "--no-environment", *more]) == code
    assert verdict in capsys.readouterr().out


def test_a_log_may_be_piped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["explain"], ["explain", "-"]):
        piped(BROKEN.decode().encode("utf-16"), monkeypatch)
        assert run(arguments) == 1
        assert "standard input" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["json", "markdown", "sarif", "junit", "github"])
def test_every_format(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "error.log").write_bytes(BROKEN)
    assert run(["explain", str(tmp_path / "error.log"), "--no-environment", "--format", form]) == 1
    out = capsys.readouterr().out
    assert "numpy" in out
    if form == "json":
        document = json.loads(out)
        jsonschema.validate(document, SCHEMA)
        assert document["target"]["kind"] == "log"
        assert report_json.dump(report_json.load(out)) == json.dumps(document, separators=(",", ":"))


def test_a_log_that_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", str(tmp_path / "no.log")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert run(["explain", str(tmp_path)]) == 2


def test_without_a_log_nothing_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    piped(b"", monkeypatch)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert run(["explain"]) == 2
    assert "pipe one in" in capsys.readouterr().err


def test_what_a_user_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("error.log").write_bytes(
        b"Traceback (most recent call last):\n"
        b'  File "predict.py", line 3, in <module>\n'
        b"    model = torch.load('best.pt')\n"
        b"_pickle.UnpicklingError: invalid load key, 'v'.\n"
    )
    assert run(["explain", "error.log", "--no-environment"]) == 1
    assert capsys.readouterr().out == snapshot("""\
  log     error.log

BREAK     the file is a Git LFS pointer: three lines of text in place of the weights
  cause   the repository was cloned without Git LFS, so the file begins with 'version
          https://git-lfs.github.com/spec/v1'
  symptom _pickle.UnpicklingError: invalid load key, 'v'.
  seen in error.log:4
  reached predict.py:3
  culprit checkpoint, install
  fix     1. git lfs install && git lfs pull (or download the file itself)
  avoid   weights_only=False, or other versions of torch: no version can read weights that are not
          there
  blamed  torch: the file is text
  verify  torchlink checkpoint inspect FILE
  certain inferred
  id      corrupt:project:checkpoint

Verdict broken: 1 break.
""")


def test_a_python_that_is_none_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "error.log").write_bytes(BROKEN)
    assert run(["explain", str(tmp_path / "error.log"), "--python", str(tmp_path / "no")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
