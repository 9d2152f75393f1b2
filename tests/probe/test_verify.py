"""The user's own command, and the counts in what real runners print."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from torchlink.model.probe import ProbeStatus
from torchlink.probe.verify import counts, verify

TESTS = """
import unittest
class Tests(unittest.TestCase):
    def test_a(self): pass
    def test_b(self): self.fail()
    def test_c(self): raise ValueError
    def test_d(self): self.skipTest("no")
    @unittest.expectedFailure
    def test_e(self): pass
"""


@pytest.mark.parametrize(
    ("runner", "wanted"),
    [
        (["unittest"], (1, 3)),
        (["pytest"], (1, 3)),
        (["pytest", "-q"], (1, 3)),
        (["pytest", "-q", "--color=yes"], (1, 3)),
        (["pytest", "-q", "-k", "test_a"], (1, 0)),
        (["pytest", "-q", "--no-header", "missing.py"], (0, 0)),
    ],
    ids=str,
)
def test_counts_of_real_runners(runner: list[str], wanted: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    done = subprocess.run([sys.executable, "-m", *runner], cwd=tmp_path, capture_output=True, text=True)
    assert counts(done.stdout + done.stderr) == wanted


def test_an_error_in_collection_counts_as_failed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import nothing_of_this_name\n")
    (tmp_path / "test_b.py").write_text("def test_b(): pass\n")
    command = [sys.executable, "-m", "pytest", "--continue-on-collection-errors"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert counts(done.stdout) == (1, 1)


def test_the_environments_program_is_taken(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "check"
    program.write_text("#!/bin/sh\necho $VIRTUAL_ENV\nexit 1\n")
    program.chmod(0o755)
    result = verify(["check"], tmp_path, tmp_path, os.environ)
    assert (result.status, result.detail) == (ProbeStatus.FAILED, str(tmp_path))
    assert verify(["no-such-program"], tmp_path, tmp_path, os.environ).detail.startswith("no-such-program does not run")
    assert verify([sys.executable, "-c", "import os; os.abort()"], tmp_path, tmp_path, os.environ).status is (
        ProbeStatus.CRASHED
    )
