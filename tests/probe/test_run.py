"""Probes in a real interpreter: what they show, and that nothing they do stops the others."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from torchlink.model.probe import ProbeResult, ProbeStatus
from torchlink.probe.catalog import Probe, probes_for
from torchlink.probe.run import Limits, run_probes

LIMITS = Limits(seconds=3, memory_bytes=2**30)


def run(*codes: str, limits: Limits = LIMITS) -> list[ProbeResult]:
    probes = [Probe(name=f"p{number}", code=code) for number, code in enumerate(codes)]
    return list(run_probes(Path(sys.executable), probes, os.environ, limits))


def test_each_end_is_told_apart_and_the_rest_still_runs() -> None:
    results = run(
        "print('noise'); detail = 'fine'",
        "raise ValueError('two\\nlines')",
        "import ctypes; ctypes.string_at(0)",
        "import time; time.sleep(60)",
        "raise Skip('nothing here')",
        "import os; os._exit(3)",
        "import sys; sys.exit(0)",
        "x = bytearray(3 * 2**30)",
        "detail = 'the last'",
    )
    assert [one.status.value for one in results] == [
        *("passed", "failed", "crashed", "timed out", "skipped", "crashed", "failed", "failed", "passed"),
    ]
    assert results[0].detail == "fine" and results[1].detail == "ValueError: two lines"
    assert results[2].detail.startswith("SIGSEGV in File") and "string_at" in results[2].detail
    assert results[4].detail == "nothing here" and results[5].detail == "exit code 3"
    assert results[6].detail == "SystemExit: 0" and results[7].detail == "MemoryError"


def test_there_is_no_network() -> None:
    (refused,) = run("import socket; socket.create_connection(('127.0.0.1', 9))")
    assert refused.detail == "OSError: probes have no network"
    (allowed,) = run(
        "import socket; socket.create_connection(('127.0.0.1', 9))", limits=Limits(seconds=3, network=True)
    )
    assert "refused" in allowed.detail


def test_an_interpreter_that_does_not_run_fails_every_probe(tmp_path: Path) -> None:
    probes = [Probe(name="a", code=""), Probe(name="b", code="")]
    results = run_probes(tmp_path / "python", probes, os.environ, LIMITS)
    assert [one.status for one in results] == [ProbeStatus.FAILED] * 2 and "does not run" in results[0].detail


def test_one_that_dies_at_once_crashes_every_probe(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 7\n")
    python.chmod(0o755)
    results = run_probes(python, [Probe(name="a", code=""), Probe(name="b", code="")], os.environ, LIMITS)
    assert [one.detail for one in results] == ["exit code 7"] * 2


def test_probes_are_those_of_what_is_installed() -> None:
    assert [one.name for one in probes_for({"six"}, ["six"])] == ["import six"]
    names = {one.name for one in probes_for({"torch", "numpy", "torchvision"}, [])}
    assert names == {"numpy-bridge", "forward-backward", "save-load", "cuda-kernel", "torchvision-nms"}


@pytest.mark.parametrize("probe", probes_for(["torch", "numpy", "torchvision", "torchaudio", "xformers", "torchao",
                                              "transformers"], []), ids=lambda one: one.name)  # fmt: skip
def test_every_probe_compiles_and_needs_something(probe: Probe) -> None:
    compile(probe.code, probe.name, "exec")
    assert probe.needs
