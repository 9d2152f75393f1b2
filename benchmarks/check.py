"""``python -m benchmarks.check ENVIRONMENT``: the speed of ``torchlink check`` beside its peers, in one run.

The peers are ``pip check`` and ``uv pip check``, which read metadata alone, and the only sure test there otherwise is:
really importing every package. Each command runs in a process of its own; the table shows the median of its wall-clock
times, its highest resident memory, and how its time compares with that of ``pip check``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_IMPORT_ALL = """
import importlib, importlib.metadata, sys
failed = 0
for name in sorted(importlib.metadata.packages_distributions()):
    if name.isidentifier() and not name.startswith("_"):
        try:
            importlib.import_module(name)
        except BaseException:
            failed += 1
print(failed, "imports failed")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A command, and the variables that it needs."""

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    runs: int
    fresh_cache: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one contender took."""

    name: str
    seconds: float
    memory_mb: float
    exit_code: int


def main() -> int:
    """Measure every contender on one environment, and print the table."""
    options = _options()
    python = options.environment / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="torchlink-benchmark-") as scratch:
        contenders = _contenders(python, options.project, Path(scratch), options.runs)
        measured = [_measure(contender, Path(scratch)) for contender in contenders]
    print(_table(measured))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("environment", type=Path, help="a virtual environment")
    parser.add_argument("--project", type=Path, help="a project to check in it; without one, all that is installed is")
    parser.add_argument("--runs", type=int, default=5, help="runs of each quick command")
    return parser.parse_args()


def _contenders(python: Path, project: Path | None, scratch: Path, runs: int) -> tuple[Contender, ...]:
    subprocess.run(["uv", "venv", "--quiet", "--seed", str(scratch / "pip")], check=True)
    pip = str(scratch / "pip" / "bin" / "pip")
    torchlink = str(Path(sys.executable).with_name("torchlink"))
    check = (torchlink, "check", *([str(project)] if project else []), "--python", str(python))
    warm = {"XDG_CACHE_HOME": str(scratch / "warm")}
    return (
        Contender(name="torchlink check, cold", command=check, variables={}, runs=runs, fresh_cache=True),
        Contender(name="torchlink check, warm", command=check, variables=warm, runs=runs + 1),
        Contender(name="pip check", command=(pip, "--python", str(python), "check"), variables={}, runs=runs),
        Contender(
            name="uv pip check", command=("uv", "pip", "check", "--python", str(python)), variables={}, runs=runs
        ),
        Contender(name="torchlink --help", command=(torchlink, "--help"), variables={}, runs=runs),
        Contender(name="Python alone", command=(sys.executable, "-c", "pass"), variables={}, runs=runs),
        Contender(name="importing everything", command=(str(python), "-B", "-c", _IMPORT_ALL), variables={}, runs=1),
    )


def _measure(contender: Contender, scratch: Path) -> Measured:
    """The median over all runs; of a contender with a cache the first run fills it and is left out."""
    samples = []
    for number in range(contender.runs):
        variables = dict(contender.variables)
        if contender.fresh_cache:
            variables["XDG_CACHE_HOME"] = str(scratch / f"cold-{number}")
        samples.append(_run(contender.command, variables))
    counted = samples[1:] if "XDG_CACHE_HOME" in contender.variables else samples
    return Measured(
        name=contender.name,
        seconds=statistics.median(seconds for seconds, _, _ in counted),
        memory_mb=max(memory for _, memory, _ in counted),
        exit_code=counted[-1][2],
    )


def _run(command: Sequence[str], variables: Mapping[str, str]) -> tuple[float, float, int]:
    """Wall-clock seconds, peak memory in MB and exit code of one process and its children."""
    quiet = subprocess.DEVNULL
    began = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=quiet, stderr=quiet)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return seconds, usage.ru_maxrss / 1024, process.returncode


def _table(measured: Sequence[Measured]) -> str:
    pip = next(one.seconds for one in measured if one.name == "pip check")
    head = f"{'command':24} {'seconds':>8} {'of pip check':>13} {'peak MB':>8} {'exit':>5}"
    rows = [
        f"{one.name:24} {one.seconds:8.2f} {one.seconds / pip:12.2f}x {one.memory_mb:8.0f} {one.exit_code:5}"
        for one in measured
    ]
    return "\n".join([head, *rows])


if __name__ == "__main__":
    sys.exit(main())
