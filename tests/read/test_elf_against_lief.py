"""Our answers on real libraries are LIEF's."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.elf import MIB, differences, libraries

ENVIRONMENT = "TORCHLINK_LAB_ENVIRONMENT"
"""The variable that names a large environment for the lab's test."""


@pytest.mark.skipif(sys.platform != "linux", reason="reads this interpreter's own libraries")
def test_answers_are_those_of_lief_on_this_environment() -> None:
    paths = list(libraries(Path(sys.prefix), 4 * MIB))[:60]
    assert paths, "an environment with LIEF has native libraries"
    assert [line for path in paths for line in differences(path)] == []


@pytest.mark.lab
def test_answers_are_those_of_lief_on_a_large_environment() -> None:
    folder = os.environ.get(ENVIRONMENT)
    if not folder:
        pytest.skip(f"set {ENVIRONMENT} to the folder of an environment")
    paths = list(libraries(Path(folder), 600 * MIB))
    assert len(paths) > 100
    assert [line for path in paths for line in differences(path)] == []
