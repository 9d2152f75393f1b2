"""The exam's bar: no false break, and nearly every error predicted with the pair named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
EXAM = Path(os.environ.get("TORCHLINK_EXAM", PROJECT.parent / "shared" / "exam"))
ENVIRONMENTS = os.environ.get("TORCHLINK_EXAM_ENVIRONMENTS", "")
"""A folder with environments that are already built; the others are built, used and removed."""

BINARY_FAMILIES = ("torch-numpy", "numpy-abi", "torchvision", "torchaudio", "xformers")


@pytest.mark.lab
@pytest.mark.skipif(not EXAM.is_dir(), reason="the exam is not here; TORCHLINK_EXAM names its folder")
def test_binary_families() -> None:
    options = ["--exam", str(EXAM), "--json", "--group", "import/abi", "--group", "api"]
    for family in BINARY_FAMILIES:
        options += ["--family", family]
    if ENVIRONMENTS:
        options += ["--environments", ENVIRONMENTS]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.exam", *options], cwd=PROJECT, stdout=subprocess.PIPE, check=True
    )
    figures = json.loads(done.stdout)["all"]
    assert figures["failures"] == 0
    assert figures["false_breaks"] == 0
    assert figures["errors_named"] >= 0.95 * figures["errors"]
