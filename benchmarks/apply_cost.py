"""What a transaction costs beside uv alone, how long its rollback takes, and the disk that its journal needs.

Usage: ``python -m benchmarks.apply_cost ENVIRONMENT NAME==VERSION... [--runs 3]``, on an environment that may be
changed: it is brought to the given versions and back, by ``uv pip install --no-deps`` and as a transaction in turns,
first with nothing in uv's cache, then with everything. A transaction is timed without linking and probing, which are no
part of the change; a rollback is the whole command, in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.apply_kill import report, without_trying
from torchlink import change
from torchlink.apply.journal import entries
from torchlink.model.plan import Plan, Step
from torchlink.model.transaction import State


def plan(at: change.Place, pins: Sequence[str]) -> Plan:
    """The change of an environment to some versions."""
    installed = {one.name: one.version for one in at.environment().distributions}
    wanted = dict(pin.split("==") for pin in pins)
    steps = tuple(
        Step(op="set" if name in installed else "add", package=name, old=installed.get(name, ""), new=version)
        for name, version in wanted.items()
    )
    return Plan(id="p1", rank=1, summary="", resolves=(), certainty="proven", unknown=0, steps=steps)


def uv(at: change.Place, plan: Plan, *more: str, back: bool) -> None:
    """Change it by uv alone."""
    command = ["uv", "pip", "install", "-q", "--no-deps", "--python", str(at.python), *more]
    versions = {step.package: step.old if back else step.new for step in plan.steps}
    subprocess.run([*command, *(f"{name}=={one}" for name, one in versions.items() if one)], check=True)
    if added := [name for name, version in versions.items() if not version]:
        subprocess.run(["uv", "pip", "uninstall", "-q", "--python", str(at.python), *added], check=True)


def transaction(at: change.Place, plan: Plan) -> None:
    """Change it as a transaction."""
    done = change.apply(plan, report(plan), at, progress=lambda *_words: None)
    if done.state is not State.COMMITTED:
        raise SystemExit(f"the change was not kept: {done.reason}")


def rollback(at: change.Place) -> None:
    """Undo it as a user does."""
    program = "from torchlink.cli.main import main; main()"
    subprocess.run(
        [sys.executable, "-c", program, "rollback", "--python", str(at.python)], check=True, stdout=subprocess.DEVNULL
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """How long something took, in seconds."""

    wall: float
    processor: float
    """Programs that it started included."""


def taken(work: Callable[[], None]) -> Taken:
    os.sync()
    began, before = time.perf_counter(), os.times()
    work()
    return Taken(time.perf_counter() - began, sum(os.times()[:4]) - sum(before[:4]))


def median(some: Sequence[Taken]) -> Taken:
    return Taken(statistics.median(one.wall for one in some), statistics.median(one.processor for one in some))


def used(folder: Path) -> int:
    """Bytes on disk of all that lies below a folder; a file with two names counts once."""
    blocks = {(one.st_dev, one.st_ino): one.st_blocks for path in folder.rglob("*") if (one := path.lstat())}
    return 512 * sum(blocks.values())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("environment", type=Path)
    parser.add_argument("pins", nargs="+", metavar="NAME==VERSION")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    at = change.place(None, options.environment.absolute())
    wanted = plan(at, options.pins)
    without_trying()
    cold = taken(lambda: uv(at, wanted, "--no-cache", back=False))
    uv(at, wanted, back=True)
    uv(at, wanted, back=False)
    uv(at, wanted, back=True)
    runs: dict[str, list[Taken]] = {"uv alone": [], "transaction": [], "rollback": []}
    for _ in range(options.runs):
        runs["uv alone"].append(taken(lambda: uv(at, wanted, back=False)))
        uv(at, wanted, back=True)
        runs["transaction"].append(taken(lambda: transaction(at, wanted)))
        runs["rollback"].append(taken(lambda: rollback(at)))
    shown = {"uv alone, nothing cached": cold, **{name: median(some) for name, some in runs.items()}}
    for name, one in shown.items():
        print(f"{name:24} {one.wall:6.2f} s, {one.processor:5.2f} s of processor time")
    whole, journal = used(at.prefix), used(entries(at.prefix)[-1].path)
    print(f"the environment has {whole / 1e6:,.0f} MB, of which the journal of a change {journal / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
