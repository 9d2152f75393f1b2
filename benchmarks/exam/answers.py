"""Asks the real command line about one case."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.exam.cases import Case
from benchmarks.exam.grade import Answer
from torchlink.model.errors import UnreadableError
from torchlink.report import json as report_json

_PATIENCE_S = 600
"""A frozen set's wheels are read once, at the speed of the network."""
_REPORTED = (0, 1)


def answer(case: Case, target: Sequence[str]) -> Answer:
    """Put the case's code into a file of an empty project, and check that.

    Args:
        case: what was run.
        target: the options that name the environment: ``--python PATH``, or ``--frozen FILE`` and the like.
    """
    with tempfile.TemporaryDirectory(prefix="torchlink-exam-") as project:
        (Path(project) / "case.py").write_text(case.code + "\n", encoding="utf-8")
        began = time.monotonic()
        try:
            done = subprocess.run(_command(Path(project), target), capture_output=True, timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            return Answer(case=case, findings=(), failure=f"no answer within {_PATIENCE_S} s", seconds=_PATIENCE_S)
    seconds = time.monotonic() - began
    if done.returncode not in _REPORTED:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return Answer(case=case, findings=(), failure=f"exit {done.returncode}: {' '.join(last)}", seconds=seconds)
    try:
        report = report_json.load(done.stdout.decode())
    except UnreadableError as error:
        return Answer(case=case, findings=(), failure=str(error), seconds=seconds)
    return Answer(case=case, findings=report.findings, seconds=seconds)


def _command(project: Path, target: Sequence[str]) -> list[str]:
    program = "import sys; from torchlink.cli.main import main; main()"
    return [sys.executable, "-c", program, "check", str(project), *target, "--format", "json"]
