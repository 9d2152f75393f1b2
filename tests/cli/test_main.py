"""The front door: exit codes, one line for every error, and a quick start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from torchlink.cli.main import run


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out, err = capsys.readouterr()
    assert "check" in out
    assert err == ""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("torchlink ")


def test_without_a_command_the_help_is_shown_and_the_usage_is_bad(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Usage: torchlink" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek"], "No such command 'chek'"),
        (["check", "--frobnicate"], "No such option"),
        (["check", "--format", "yaml"], "'yaml' is not one of"),
        (["check", "--fail-on", "note"], "'note' is not one of"),
        (["check", "a", "b"], "unexpected extra argument"),
        (["check", "--explain"], "requires an argument"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
    assert "--help" in err


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from torchlink.cli.main import run; run(['--help']); print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert loaded.isdisjoint({"rich", "sqlite3", "packaging", "torchlink.pipeline", "torchlink.cli.check"})
