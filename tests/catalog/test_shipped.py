"""The facts that ship with torchlink: whole, small, and what the wheels say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from torchlink.catalog.releases import lines, pack, shipped, shipped_names
from torchlink.model.native import NumpyAbi
from torchlink.model.release import ReleaseFact

PROJECT = Path(__file__).parents[2]
DATA = PROJECT / "src" / "torchlink" / "catalog" / "data"


def of(name: str, version: str, platform: str) -> ReleaseFact:
    (fact,) = [
        one for one in shipped(name).values() if one.version == version and platform in one.filename.rpartition("-")[2]
    ]
    return fact


@pytest.mark.parametrize("name", shipped_names())
def test_a_file_is_what_the_script_writes(name: str) -> None:
    text = (DATA / f"{name}.jsonl").read_text(encoding="utf-8")
    facts = shipped(name).values()
    assert text == "".join(f"{line}\n" for line in lines(facts))
    assert len(facts) == text.count("\n")
    for fact in facts:
        owner, version, _, _ = parse_wheel_filename(fact.filename)
        assert (owner, version) == (name, Version(fact.version))
        assert len(fact.sha256) == 64 and fact.size > 0


def test_all_of_it_is_small() -> None:
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 20_000_000


@pytest.mark.parametrize(
    ("version", "platform", "generation"),
    [
        ("2.2.2", "x86_64", NumpyAbi.NUMPY_1),
        ("2.3.0", "x86_64", NumpyAbi.NUMPY_2),
        ("2.4.0", "x86_64", NumpyAbi.NUMPY_2),
        ("2.3.1", "win_amd64", NumpyAbi.NUMPY_1),
        ("2.4.0", "win_amd64", NumpyAbi.NUMPY_1),
        ("2.4.1", "win_amd64", NumpyAbi.NUMPY_2),
    ],
)
def test_a_fact_belongs_to_a_wheel(version: str, platform: str, generation: NumpyAbi) -> None:
    """As measured by running the Linux wheels, and by the names in the Windows libraries."""
    fact = of("torch", version, platform)
    assert fact.numpy is generation
    assert "torch_python" in fact.numpy_seen


@pytest.mark.lab
def test_a_rebuilt_sample_is_identical() -> None:
    command = [sys.executable, str(PROJECT / "scripts" / "build_catalog.py"), "--check", "6"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_empty_takes_no_room() -> None:
    fact = ReleaseFact(name="a", version="1", filename="a-1-py3-none-any.whl", sha256="00", size=0)
    assert (
        pack(fact)
        == '{"filename":"a-1-py3-none-any.whl","name":"a","numpy":"none","sha256":"00","size":0,"version":"1"}'
    )
