"""``python -m benchmarks.what_if``: sets that uv takes without a word, judged before they are installed, beside uv.

Each of the five cases (one of them in both directions) is a requirements file. Its wheels are read once (gigabytes,
kept in ``--cache``). Then, in a copy of that folder, the set is asked for with another small package each time, so that
it was never linked. ``uv pip compile`` resolves the same file beside; both are offline, with warm caches.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CASES = {
    "torch 2.1, open NumPy": "torch>=2.1,<2.2\nnumpy\n",
    "torch 2.9, ultralytics 8.1.0": "torch==2.9.0\nultralytics==8.1.0\n",
    "torch 2.4.0, torchao 0.14.1": "torch==2.4.0\ntorchao==0.14.1\n",
    "torch 2.5.1, torchvision 0.19.1": "torch==2.5.1\ntorchvision==0.19.1\n",
    "torch 2.4.1, torchvision 0.20.1": "torch==2.4.1\ntorchvision==0.20.1\n",
    "diffusers 0.25, hub 0.30": "diffusers==0.25.0\nhuggingface-hub==0.30.0\n",
}
CHECK = (str(Path(sys.executable).with_name("torchlink")), "check", "--requirements")
OTHERS = ("iniconfig==2.0.0", "iniconfig==1.1.1", "iniconfig==2.1.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Requirements files of one case."""

    prepared: tuple[Path, ...]
    """Asked before: they have its wheels, and those of each other package."""
    asked: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One case; times in seconds by the clock, medians."""

    name: str
    found: str
    uv: float
    new: float
    """A set that was never linked."""
    again: float
    """The same set, asked again."""


def main() -> int:
    """Measure every case, and print the table."""
    options = _options()
    cache = options.cache.absolute()
    with tempfile.TemporaryDirectory(prefix="torchlink-benchmark-") as scratch:
        files = [_files(Path(scratch, str(number)), lines) for number, lines in enumerate(CASES.values())]
        for path in (one for paths in files for one in paths.prepared):
            _run((*CHECK, str(path)), cache)
        shutil.copytree(cache, Path(scratch, "cache"))
        measured = [_measure(name, paths, Path(scratch, "cache")) for name, paths in zip(CASES, files, strict=True)]
    print(f"{'case':33} {'uv':>5} {'new set':>8} {'beyond uv':>10} {'again':>6}  found")
    for one in measured:
        row = f"{one.name:33} {one.uv:5.2f} {one.new:8.2f} {one.new - one.uv:10.2f} {one.again:6.2f}"
        print(f"{row}  {one.found}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.what_if", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps what was read of the wheels")
    return parser.parse_args()


def _files(folder: Path, lines: str) -> Files:
    folder.mkdir()
    prepared, asked = [folder / "alone.txt"], []
    prepared[0].write_text(lines)
    for number, other in enumerate(OTHERS):
        prepared.append(folder / f"small-{number}.txt")
        prepared[-1].write_text(f"{other}\n")
        asked.append(folder / f"asked-{number}.txt")
        asked[-1].write_text(f"{lines}{other}\n")
    return Files(prepared=tuple(prepared), asked=tuple(asked))


def _measure(name: str, files: Files, cache: Path) -> Measured:
    resolved, new, again, found = [], [], [], ""
    for path in files.asked:
        resolve = ("uv", "pip", "compile", "--quiet", "--no-build", "--python", sys.executable, str(path))
        check = (*CHECK, str(path), "--format", "json", "--offline")
        _run(resolve, cache)
        resolved.append(_run((*resolve, "--offline"), cache)[0])
        seconds, found = _run(check, cache)
        new.append(seconds)
        again.append(_run(check, cache)[0])
    return Measured(
        name=name,
        found=_ids(found),
        uv=statistics.median(resolved),
        new=statistics.median(new),
        again=statistics.median(again),
    )


def _run(command: Sequence[str], cache: Path) -> tuple[float, str]:
    variables = {**os.environ, "TORCHLINK_CACHE_DIR": str(cache)}
    began = time.perf_counter()
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    return time.perf_counter() - began, done.stdout


def _ids(report: str) -> str:
    findings = json.loads(report)["findings"]
    return ", ".join(f"{one['severity']} {one['id']}" for one in findings) or "nothing"


if __name__ == "__main__":
    sys.exit(main())
