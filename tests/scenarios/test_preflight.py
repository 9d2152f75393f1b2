"""A program that asks at its start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import torchlink
from tests.scenarios.world import World
from torchlink import pipeline
from torchlink.cli.main import run


@pytest.fixture
def linked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Has an entry for each time that something was really linked."""
    times: list[int] = []
    real = pipeline.check

    def check(*arguments: object, **options: object) -> object:
        times.append(1)
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "check", check)
    return times


def asked(world: World, *options: str) -> tuple[int, dict[str, object]]:
    code = run(["preflight", str(world.project), "--python", str(world.python), *options])
    out, _ = world.capture.readouterr()
    return code, json.loads(out)


def test_what_was_kept_answers_until_something_is_installed(world: World, linked: list[int]) -> None:
    world.source("main.py", "import reader\n")
    world.install("reader", "1.0", {"reader/__init__.py": "import shelf\n"})
    world.install("shelf", "1.0", {"shelf/__init__.py": ""})
    for _ in range(3):
        assert asked(world)[0] == 0
    assert len(linked) == 1
    (world.site / "shelf" / "__pycache__").mkdir()
    assert asked(world)[0] == 0 and len(linked) == 1
    world.install("other", "1.0", {"other.py": ""})
    assert asked(world)[0] == 0 and len(linked) == 2
    world.source("main.py", "import reader, missing\n")
    code, answer = asked(world)
    assert (code, answer["ok"], len(linked)) == (1, False, 3)
    assert answer["fatal"][0]["id"] == "import:project:missing"  # type: ignore[index]
    assert asked(world)[0] == 1 and len(linked) == 3
    world.source("new.py", "import gone\n")
    assert len(asked(world)[1]["fatal"]) == 2  # type: ignore[arg-type]


def test_the_policy_says_what_is_fatal(world: World) -> None:
    world.source("main.py", "import reader\n")
    world.install("reader", "1.0", {"reader/__init__.py": ""}, requires=("shelf>=1",))
    assert asked(world, "--policy", "break")[0] == 0
    code, answer = asked(world, "--policy", "risk")
    assert code == int(bool(answer["fatal"]))


def test_in_a_program(world: World) -> None:
    world.source("main.py", "import missing\n")
    with pytest.raises(torchlink.PreflightError, match="missing"):
        torchlink.preflight(world.project, python=world.python)
    answer = torchlink.preflight(world.project / "nowhere", python=world.python)
    assert answer.ok and "nowhere" in answer.note
    with pytest.raises(torchlink.PreflightError):
        torchlink.preflight(world.project / "nowhere", python=world.python, policy="unknown")


def test_it_imports_nothing_heavy(world: World) -> None:
    code = f"""
import sys, torchlink
for _ in range(2):
    torchlink.preflight(python={str(world.python)!r})
    print([name for name in ("torch", "numpy", "click", "rich") if name in sys.modules])
print(torchlink.preflight)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[:2] == ["[]", "[]"] and "<function" in done.stdout, done.stderr


def test_without_an_environment_it_says_so(world: World, tmp_path: Path) -> None:
    code = run(["preflight", "--python", str(tmp_path / "none")])
    out, err = world.capture.readouterr()
    assert code == 2 and "no such file" in err and json.loads(out)["verdict"] == "undecided"
