"""A disk that fills while a change is under way. The disk is a small one in memory, which only root may mount."""

from __future__ import annotations

import os
import subprocess
import venv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.scenarios.test_apply import torchlink, tree
from tests.scenarios.test_what_if import shop
from tests.scenarios.world import World
from tests.wheels import make_wheel
from torchlink.apply import project_files, transaction

__all__ = ["shop"]

pytestmark = pytest.mark.lab


@pytest.fixture
def small(world: World, shop: Path, tmp_path: Path) -> Iterator[World]:
    """An environment on a disk of 16 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        venv.create(disk / "environment", symlinks=True, with_pip=False)
        on_it = replace(world, environment=disk / "environment")
        on_it.install("shelf", "2.0", {f"shelf/m{n}.py": "x" * 3000 for n in range(50)} | {"shelf/__init__.py": ""})
        on_it.install("reader", "1.0", {"reader/__init__.py": "from shelf import store\n"}, ("shelf>=1",))
        yield on_it
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Write until nothing more fits."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(os.urandom(4096))
        except OSError:
            return filler


def test_full_while_it_is_fetched(small: World, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "check_disk", lambda *_: None)
    make_wheel(
        shop, "shelf", "1.0", {"shelf/__init__.py": "def store():\n    pass\n", "shelf/big.bin": os.urandom(2**25)}
    )
    before = tree(small)
    code, _, err = torchlink(small, "fix", str(small.project), "--apply")
    assert code == 2 and "No space left" in err and "Traceback" not in err
    assert tree(small) == before and "failed" in torchlink(small, "history")[1]


@pytest.mark.parametrize("stage", ["carry_forward", "project_files"])
def test_full_in_the_switch(small: World, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "check_disk", lambda *_: None)
    owner, name = (transaction, stage) if stage == "carry_forward" else (project_files, "forward")
    real = getattr(owner, name)

    def full(*arguments: object) -> object:
        fill(small.environment.parent)
        return real(*arguments)

    monkeypatch.setattr(owner, name, full)
    before = tree(small)
    code, out, err = torchlink(small, "fix", str(small.project), "--apply")
    (small.environment.parent / "filler").unlink()
    assert "Traceback" not in err
    if code == 0:
        assert "committed" in out and torchlink(small, "rollback")[0] == 0
    elif transaction.unfinished(small.environment) is not None:
        assert torchlink(small, "rollback")[0] == 0
    assert tree(small) == before
