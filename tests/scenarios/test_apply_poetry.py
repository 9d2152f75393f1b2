"""A project that poetry locks: its ``poetry.lock`` changes with the environment, and comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.scenarios.test_apply import imports, torchlink, tree
from tests.scenarios.test_what_if import shop
from tests.scenarios.world import World
from tests.wheels import serve

__all__ = ["shop"]

pytestmark = pytest.mark.lab

SOURCE = """
[[tool.poetry.source]]
name = "shop"
url = "{index}"
priority = "primary"
"""
STANDARD = """
[project]
name = "own"
version = "1"
requires-python = ">=3.10"
dependencies = ["reader"{more}]

[tool.poetry]
package-mode = false
"""
OWN = """
[tool.poetry]
name = "own"
version = "1"
description = ""
authors = []

[tool.poetry.dependencies]
python = ">=3.10"
reader = "*"
{more}
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A release of poetry, and how its manifests are written."""

    program: Path
    manifest: str
    pin: str


@pytest.fixture(scope="module", params=["poetry>=2", "poetry<2"])
def poetry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kind:
    """Poetry in an environment of its own."""
    folder = tmp_path_factory.mktemp("poetry")
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    subprocess.run(["uv", "pip", "install", "-q", "--python", str(folder), request.param], check=True)
    program = folder / "bin" / "poetry"
    standard = request.param == "poetry>=2"
    return Kind(program, STANDARD, ', "shelf=={}"') if standard else Kind(program, OWN, 'shelf = "{}"')


@pytest.fixture(params=["", "2.0"], ids=["unnamed", "pinned"])
def locked(
    world: World, shop: Path, poetry: Kind, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """The lock holds shelf 2.0, and the manifest pins it or does not name it."""
    monkeypatch.setenv("PATH", f"{poetry.program.parent}{os.pathsep}{os.defpath}")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    world.install("shelf", "2.0", {"shelf/__init__.py": "def keep():\n    pass\n"})
    world.install("reader", "1.0", {"reader/__init__.py": "from shelf import store\n"}, ("shelf>=1",))
    pin = poetry.pin.format(request.param) if request.param else ""
    with serve(shop) as index:
        index.form = "html"  # poetry 1 reads no other
        text = poetry.manifest.format(more=pin) + SOURCE.format(index=f"{index.simple}/")
        world.source("pyproject.toml", text)
        subprocess.run([str(poetry.program), "lock", "-q"], cwd=world.project, check=True, timeout=300)
        assert held(world) == "2.0"
        yield world


def held(world: World) -> str:
    """The version of the shelf that the lock holds."""
    text = (world.project / "poetry.lock").read_text()
    return text.partition('name = "shelf"\nversion = "')[2].partition('"')[0]


def files(world: World) -> dict[str, bytes]:
    return {path: data for path, (_, data, _) in tree(world).items()}


def test_the_lock_is_made_anew_and_put_back(locked: World, poetry: Kind) -> None:
    before = files(locked)
    code, out, err = torchlink(locked, "fix", str(locked.project), "--apply", "--choose", "1")
    assert code == 0 and "committed" in out, err
    assert imports(locked, "reader")
    assert held(locked) == "1.0"
    assert subprocess.run([str(poetry.program), "check", "--lock"], cwd=locked.project).returncode == 0
    assert torchlink(locked, "rollback")[0] == 0
    assert files(locked) == before


@pytest.mark.parametrize("locked", ["2.0"], indirect=True)
def test_a_lock_that_cannot_hold_the_plan_changes_nothing(locked: World, tmp_path: Path) -> None:
    """The plan leaves out the pin that it would have to edit."""
    plans = tmp_path / "plans.json"
    torchlink(locked, "fix", str(locked.project), "--format", "json", "--output", str(plans))
    told = json.loads(plans.read_text())
    told["plans"][0]["steps"] = [step for step in told["plans"][0]["steps"] if step["op"] != "edit-pin"]
    plans.write_text(json.dumps(told))
    before = files(locked)
    code, _, err = torchlink(locked, "fix", str(locked.project), "--apply", "--plans", str(plans), "--choose", "1")
    assert code == 2 and "poetry makes no lock" in err and "shelf" in err
    assert files(locked) == before
