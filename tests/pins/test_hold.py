"""Constraints that keep a package as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.world import World
from torchlink.cli.main import run
from torchlink.pins.hold import _with_constraint


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> World:
    import venv

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    venv.create(tmp_path / "environment", symlinks=True, with_pip=False)
    (tmp_path / "project").mkdir()
    made = World(environment=tmp_path / "environment", project=tmp_path / "project", capture=capsys)
    made.install("torch", "2.3.1+cu121", {"torch/__init__.py": ""})
    return made


def hold(world: World, *arguments: str) -> int:
    return run(["pins", "hold", *arguments, "--project", str(world.project), "--python", str(world.python)])


def test_torch_is_held_as_it_is_installed(world: World) -> None:
    (world.project / "pyproject.toml").write_text(
        '# mine\n[project]\nname = "x"\n\n[tool.uv]\n# why\nconstraint-dependencies = ["numpy<2"]\n', encoding="utf-8"
    )
    assert hold(world, "torch") == 0
    assert (world.project / "pyproject.toml").read_text(encoding="utf-8") == (
        '# mine\n[project]\nname = "x"\n\n[tool.uv]\n# why\n'
        'constraint-dependencies = ["numpy<2", "torch==2.3.1+cu121"]\n'
    )
    held = world.environment / "torchlink-held.txt"
    assert held.read_text(encoding="utf-8") == "torch==2.3.1+cu121\n"
    assert (world.environment / "pip.conf").read_text(encoding="utf-8") == f"[install]\nconstraint = {held}\n"
    before = {
        path: path.read_bytes() for path in (held, world.environment / "pip.conf", world.project / "pyproject.toml")
    }
    world.capture.readouterr()
    assert hold(world, "torch") == 0
    assert world.capture.readouterr().out == ""
    assert {path: path.read_bytes() for path in before} == before


def test_another_version_takes_the_place_of_the_first(world: World) -> None:
    assert hold(world, "torch") == 0
    assert hold(world, "torch==2.4.0") == 0
    assert (world.environment / "torchlink-held.txt").read_text(encoding="utf-8") == "torch==2.4.0\n"
    assert (world.project / "uv.toml").read_text(encoding="utf-8") == 'constraint-dependencies = ["torch==2.4.0"]\n'


def test_conda_is_told_too(world: World) -> None:
    (world.environment / "conda-meta").mkdir()
    (world.environment / "conda-meta" / "pinned").write_text("python ==3.11.*\n", encoding="utf-8")
    assert hold(world, "torch") == 0
    pinned = (world.environment / "conda-meta" / "pinned").read_text(encoding="utf-8")
    assert pinned == "python ==3.11.*\npytorch ==2.3.1\n"


def test_a_dry_run_writes_nothing(world: World) -> None:
    assert hold(world, "torch", "--dry-run") == 0
    out, err = world.capture.readouterr()
    assert "+torch==2.3.1+cu121" in out
    assert "would be held" in err
    assert not (world.project / "uv.toml").exists()


def test_what_is_not_installed_has_no_version(world: World) -> None:
    assert hold(world, "jax") == 2
    assert "torchlink pins hold jax==VERSION" in world.capture.readouterr().err


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[install]\nconstraint = /x\n"),
        ("[global]\nindex-url = y\n", "[global]\nindex-url = y\n[install]\nconstraint = /x\n"),
        ("[install]\nno-cache = 1\n", "[install]\nconstraint = /x\nno-cache = 1\n"),
        ("[install]\nconstraint = /a\n[b]\n", "[install]\nconstraint = /a\n    /x\n[b]\n"),
        ("[install]\nconstraint = /x\n", "[install]\nconstraint = /x\n"),
    ],
)
def test_the_settings_of_pip_keep_what_they_say(before: str, after: str) -> None:
    assert _with_constraint(before, "/x") == after


@pytest.mark.lab
def test_pip_and_uv_obey(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / ".venv")], check=True)
    python = str(tmp_path / ".venv" / "bin" / "python")
    arguments = ["pins", "hold", "numpy==1.26.4", "--project", str(tmp_path), "--python", python]
    assert run(arguments) == 0
    pip = [python, "-m", "pip", "install", "--dry-run", "numpy"]
    uv = ["uv", "pip", "install", "--dry-run", "--python", python, "numpy"]
    for command in (pip, uv):
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
        assert "1.26.4" in done.stdout + done.stderr
