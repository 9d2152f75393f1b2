"""No file that runs anything is ever called clean, and looking at it costs little."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkpoint.archives import torch_zip
from tests.checkpoint.hostile import Hostile, hostile_files
from tests.checkpoint.ops import binary, name, text, whole
from torchlink.checkpoint.judge import Safety
from torchlink.checkpoint.scan import scan

FILES = list(hostile_files())
HAS_TORCH = importlib.util.find_spec("torch") is not None and sys.platform == "linux"
NEEDS = {"torch": "torch", "joblib": "joblib", "numpy": "numpy"}


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 200
    assert len({one.name for one in FILES}) == len(FILES)


@pytest.mark.parametrize("hostile", FILES, ids=[one.name for one in FILES])
def test_is_never_clean(hostile: Hostile, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    file = tmp_path / "weights.safetensors"
    file.write_bytes(hostile.build(str(marker)))
    began = time.monotonic()
    scanned = scan(file)
    assert time.monotonic() - began < 2
    assert scanned.judgement.safety is not Safety.CLEAN
    assert scanned.judgement.reasons
    assert not marker.exists()


@pytest.mark.skipif(not HAS_TORCH, reason="needs torch")
@pytest.mark.parametrize("hostile", FILES, ids=[one.name for one in FILES])
def test_runs_where_it_is_loaded(hostile: Hostile, tmp_path: Path) -> None:
    pytest.importorskip(NEEDS.get(hostile.loader, "pickle"))
    marker = tmp_path / "marker"
    file = tmp_path / "weights.pt"
    file.write_bytes(hostile.build(str(marker)))
    child = os.fork()
    if child == 0:
        _load_and_leave(hostile.loader, file)
    os.waitpid(child, 0)
    assert os.path.lexists(marker) == hostile.runs


def _load_and_leave(loader: str, file: Path) -> None:
    """In a process of its own, that leaves without any of the clean-up of the tests."""
    try:
        signal.alarm(20)
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(silence, descriptor)
        os.chdir(file.parent)
        _load(loader, file)
    finally:
        os._exit(0)


def _load(loader: str, file: Path) -> None:
    import pickle

    if loader == "torch":
        import torch

        torch.load(file, weights_only=False)
    elif loader == "joblib":
        import joblib

        joblib.load(file)
    elif loader == "numpy":
        import numpy as np

        np.load(file, allow_pickle=True)
    else:
        with file.open("rb") as stream:
            while True:
                pickle.load(stream)  # noqa: S301 - to prove what it would do


BOMBS: dict[str, Callable[[], bytes]] = {
    "marks": lambda: b"(" * 6_000_000,
    "lists": lambda: b"]" * 6_000_000,
    "dictionaries": lambda: b"}" * 6_000_000,
    "calls": lambda: name("collections", "OrderedDict") + b"q\x00" + b"h\x00)R" * 2_000_000,
    "memo": lambda: b"N" + b"\x94" * 8_000_000,
    "numbers": lambda: b"J\x00\x00\x00\x7f" * 4_000_000,
    "text": lambda: (text("x" * 60_000)) * 1500,
    "wide text": lambda: (text("x" * 15_000 + "\U0001f600")) * 5000,
    "bytes": lambda: binary(b"x" * 60_000) * 1500,
    "nested tuples": lambda: b")" + b"\x85" * 6_000_000,
    "names": lambda: b"".join(name("a" * 4000, f"b{index}") for index in range(20_000)),
    "exponential": lambda: b")" + b"2\x86" * 4_000_000,
    "memo far away": lambda: b"Nr\xff\xff\xff\x7f",
    "frames": lambda: b"\x95\x00\x00\x00\x00\x00\x00\x00\x00" * 800_000,
    "long": lambda: b"\x8b\xff\xff\xff\x7f" + b"\x01" * 1000,
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("title", BOMBS)
def test_bombs_are_cheap(title: str, tmp_path: Path) -> None:
    for file, data in (
        (tmp_path / "a.pkl", whole(BOMBS[title](), 4)),
        (tmp_path / "a.pt", torch_zip(whole(BOMBS[title](), 4))),
    ):
        file.write_bytes(data)
        seconds, megabytes = _cost(file)
        assert seconds < 20
        assert megabytes < 300


_PROGRAM = """
import sys, time
began = time.process_time()
from torchlink.checkpoint.scan import scan
found = scan(sys.argv[1])
seconds = time.process_time() - began
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(seconds, int(peak.split()[1]) / 1024)
"""


def _cost(file: Path) -> tuple[float, float]:
    """Seconds and megabytes that it costs to scan a file, in a process of its own."""
    answer = subprocess.run([sys.executable, "-c", _PROGRAM, str(file)], capture_output=True, text=True, check=True)
    seconds, megabytes = answer.stdout.split()
    return float(seconds), float(megabytes)
