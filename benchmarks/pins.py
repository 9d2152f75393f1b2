"""How long every pin of a project takes to be read, beside ``grep`` for the same names.

Usage: ``uv run python -m benchmarks.pins FOLDER``. grep knows no context, no variables and no other notation; it is the
floor.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from torchlink.link.pins import link_pins
from torchlink.read.pins.files import pin_paths
from torchlink.read.pins.survey import read_pins

RUNS = 3


def main() -> int:
    """Print the best of a few runs of each."""
    folder = Path(sys.argv[1])
    survey = read_pins(folder)
    print(f"{len(pin_paths(folder)):,} files that may pin a version, {len(survey.pins):,} pins")
    command = ["grep", "-rnE", r"(torch|numpy)[]\"' ]*[=<>~!]=? *[0-9]", str(folder)]
    print(f"grep      {_best(lambda: subprocess.run(command, capture_output=True, check=False)):8.3f} s")
    print(f"read      {_best(lambda: read_pins(folder)):8.3f} s")
    print(f"link      {_best(lambda: link_pins(survey)):8.3f} s")
    return 0


def _best(work: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
