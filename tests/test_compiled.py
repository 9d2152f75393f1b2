"""The wheel with the compiled linker answers as the one of plain Python does: the import linker's own tests pass."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.lab
def test_the_import_linker_passes_its_tests_compiled(tmp_path: Path) -> None:
    for name in ("tests", "benchmarks", "pyproject.toml"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    # By way of the source archive: in place, the compiled modules would stay beside the source.
    run(
        tmp_path, "uv", "build", "--quiet", "--out-dir", str(tmp_path / "dist"), str(ROOT), HATCH_BUILD_HOOKS_ENABLE="1"
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert not wheel.name.endswith("-any.whl")
    python = tmp_path / "venv" / "bin" / "python"
    run(tmp_path, "uv", "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv"))
    groups = ("--group", f"{ROOT / 'pyproject.toml'}:test")
    run(tmp_path, "uv", "pip", "install", "--quiet", "--python", str(python), *groups, str(wheel))
    where = "import torchlink.link.importing.expressions as one; print(one.__file__)"
    assert run(tmp_path, str(python), "-c", where).strip().endswith(".so")
    run(tmp_path, str(python), "-m", "pytest", "-q", "-m", "not lab", "-p", "no:cacheprovider", "tests/link")


def run(folder: Path, *command: str, **variables: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
