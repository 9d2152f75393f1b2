"""Kill an apply at random moments on a real environment, end it, and hold every file against RECORD.

Usage: ``python -m benchmarks.apply_kill --folder DIR [--runs 200] [--seed 0] [--old PINS --new PINS]``, where the
pins are what uv resolves the two sets from: ``--old "torch==2.9.0" --new "torch==2.6.0 tqdm==4.67.1"``. One process at
a time. Each run kills torchlink (anywhere, or within the switch) or uv, then ends what was begun with ``rollback`` or
``fix --continue``, and checks: exactly the old set or exactly the new one, every hash of every RECORD, the project's
file whole and of the same side. It stops at the first run that does not hold.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess as Process
from pathlib import Path
from random import Random

from torchlink import change, pipeline
from torchlink.apply.journal import entries
from torchlink.apply.transaction import unfinished
from torchlink.cli.main import run
from torchlink.model.names import normalise
from torchlink.model.plan import Plan, Step
from torchlink.model.report import Coverage, Report, Target, Verdict
from torchlink.report.json import render
from torchlink.solve.uv import parse_answer

OLD = "numpy==1.26.4 pillow==11.3.0"
NEW = "numpy==2.2.6 pillow==12.0.0 tqdm==4.67.1"


@dataclass(frozen=True, slots=True)
class Ground:
    """The environment and the project that are worked on."""

    folder: Path
    pinned: tuple[str, ...]
    """What the project's file pins."""
    old: Mapping[str, str]
    """All that is installed before, and its versions."""
    new: Mapping[str, str]

    @property
    def environment(self) -> Path:
        return self.folder / "environment"

    @property
    def requirements(self) -> Path:
        return self.folder / "project" / "requirements.txt"

    @property
    def plans(self) -> Path:
        return self.folder / "plans.json"

    def text(self, versions: Mapping[str, str]) -> str:
        return "".join(f"{name}=={versions[name]}  # pinned\n" for name in self.pinned)


def resolved(pins: str) -> dict[str, str]:
    """The set that uv makes of some pins."""
    command = ["uv", "pip", "compile", "-q", "--no-header", "--no-annotate", "--python", sys.executable, "-"]
    answer = subprocess.run(
        command, input="\n".join(pins.split()), text=True, check=True, stdout=subprocess.PIPE
    ).stdout
    return {one.name: one.version for one in parse_answer(answer)}


def build(ground: Ground) -> None:
    """Make the environment, the project and the plan."""
    subprocess.run(["uv", "venv", "-q", "--clear", str(ground.environment)], check=True)
    pins = [f"{name}=={version}" for name, version in ground.old.items()]
    subprocess.run(["uv", "pip", "install", "-q", "--python", str(ground.environment), *pins], check=True)
    ground.requirements.parent.mkdir(parents=True, exist_ok=True)
    ground.requirements.write_text(ground.text(ground.old))
    ground.plans.write_text(render(report(plan(ground))))


def plan(ground: Ground) -> Plan:
    moves = [
        Step(op="set" if name in ground.old else "add", package=name, old=ground.old.get(name, ""), new=version)
        for name, version in ground.new.items()
        if version != ground.old.get(name)
    ]
    gone = [Step(op="remove", package=name, old=old) for name, old in ground.old.items() if name not in ground.new]
    edits = [
        Step(op="edit-pin", package=name, new=ground.new[name], file="requirements.txt", line=line)
        for line, name in enumerate(ground.pinned, 1)
    ]
    steps = (*moves, *gone, *edits)
    return Plan(id="p1", rank=1, summary="the new set", resolves=(), certainty="proven", unknown=0, steps=steps)


def report(*plans: Plan) -> Report:
    return Report(
        torchlink="0",
        verdict=Verdict.BROKEN,
        elapsed_s=0,
        target=Target(kind="environment", path=""),
        findings=(),
        coverage=Coverage(),
        plans=plans,
    )


def torchlink(ground: Ground, *words: str) -> int:
    """Run a command of torchlink in this process."""
    return run([*words, "--python", str(ground.environment)])


def apply(ground: Ground, whole: bool) -> Process:
    """Start an apply in a process of its own."""
    process = get_context("fork").Process(target=_apply, args=(ground, whole))
    process.start()
    return process


def _apply(ground: Ground, whole: bool) -> None:
    if not whole:
        without_trying()
    sys.exit(apply_here(ground))


def apply_here(ground: Ground) -> int:
    return torchlink(ground, "fix", str(ground.requirements.parent), "--apply", "--plans", str(ground.plans))


def without_trying() -> None:
    """Leave out linking and probing, which change no file and take most of the time."""
    pipeline.check = lambda *_arguments, **_options: report()
    change._probe = lambda *_arguments, **_options: ()


def kill(ground: Ground, how: str, whole: bool, length_s: float, chance: Random) -> str:
    """Start an apply and kill it; which state it was killed in, or ``ended`` where it was faster."""
    known = len(entries(ground.environment))
    process = apply(ground, whole)
    if how == "anywhere":
        process.join(chance.uniform(0.0, length_s))
    elif how == "switch":
        while process.is_alive() and last_state(ground, known) in ("nothing", "preparing"):
            time.sleep(0.0005)
        process.join(chance.uniform(0.0, 0.02))
    else:
        kill_uv(process)
        process.join()
    if process.is_alive():
        process.kill()
        process.join()
        return last_state(ground, known)
    return "ended" if how != "uv" else last_state(ground, known)


def last_state(ground: Ground, known: int) -> str:
    """The state that the newest transaction has reached, ``nothing`` where there is none yet."""
    found = entries(ground.environment)
    return found[-1].state().value if len(found) > known else "nothing"


def kill_uv(process: Process) -> None:
    """Kill uv as soon as it is there."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.is_alive():
        with suppress(OSError):
            for child in children.read_text().split():
                if b"--prefix" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(int(child), signal.SIGKILL)
                    return
        time.sleep(0.0005)


def end(ground: Ground, word: str) -> None:
    """End what was begun; where nothing had changed yet, --continue says so and that is an end too."""
    words = ("rollback",) if word == "rollback" else ("fix", str(ground.requirements.parent), "--continue")
    if torchlink(ground, *words) not in (0, 2) or unfinished(ground.environment) is not None:
        raise SystemExit(f"{word} does not end it")


def versions(ground: Ground) -> dict[str, str]:
    found: dict[str, str] = {}
    for info in ground.environment.glob("lib/python*/site-packages/*.dist-info"):
        written, _, version = info.name.removesuffix(".dist-info").partition("-")
        name = normalise(written)
        if name in ground.old or name in ground.new:
            if name in found:
                raise SystemExit(f"two of {name}")
            found[name] = version
    return found


def damaged(ground: Ground) -> list[str]:
    """Files that are not as their RECORD says."""
    wrong: list[str] = []
    for record in ground.environment.glob("lib/python*/site-packages/*.dist-info/RECORD"):
        for path, digest, _ in csv.reader(record.read_text().splitlines()):
            file = record.parent.parent / path
            name, _, wanted = digest.partition("=")
            if not file.is_file():
                wrong.append(f"{file} is missing")
            elif name and hashed(file, name) != wanted:
                wrong.append(f"{file} is damaged")
    return wrong


def hashed(file: Path, name: str) -> str:
    hasher = hashlib.new(name)
    with file.open("rb") as stream:
        while block := stream.read(2**20):
            hasher.update(block)
    return base64.urlsafe_b64encode(hasher.digest()).rstrip(b"=").decode()


def check(ground: Ground) -> str:
    """Which side the environment is on.

    Raises:
        SystemExit: on neither.
    """
    if wrong := damaged(ground):
        raise SystemExit("\n".join(wrong[:10]))
    found, text = versions(ground), ground.requirements.read_text()
    for side, wanted in (("old", ground.old), ("new", ground.new)):
        if found == wanted and text == ground.text(wanted):
            return side
    raise SystemExit(f"neither set: {found}, {text!r}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--whole", type=int, default=20, help="so many of them link and probe too")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--old", default=OLD, metavar="PINS")
    parser.add_argument("--new", default=NEW, metavar="PINS")
    options = parser.parse_args()
    pinned = tuple(pin.partition("==")[0] for pin in options.old.split())
    ground = Ground(options.folder.absolute(), pinned, resolved(options.old), resolved(options.new))
    os.environ["XDG_STATE_HOME"] = str(ground.folder / "state")
    ground.folder.mkdir(parents=True, exist_ok=True)
    build(ground)
    chance = Random(options.seed)  # noqa: S311 - moments, not secrets
    tally: Counter[str] = Counter()
    with (ground.folder / "log.txt").open("w") as log, redirect_stdout(log), redirect_stderr(log):
        length_s = plain(ground, whole=True) if options.whole else plain(ground, whole=False)
        for number in range(options.runs):
            whole = number < options.whole
            if number == options.whole > 0:
                length_s = plain(ground, whole=False)
            how = ("anywhere", "switch", "uv")[number % 3]
            state = kill(ground, how, whole, length_s, chance)
            word = chance.choice(("rollback", "continue"))
            if unfinished(ground.environment) is not None:
                end(ground, word)
            side = check(ground)
            tally[f"{'uv' if how == 'uv' else 'torchlink'} killed, {state}: {side}"] += 1
            if side == "new":
                back(ground)
            print(f"{number + 1}/{options.runs} {how}, {state}, {word}: {side}", file=sys.__stdout__, flush=True)
    for line, count in sorted(tally.items()):
        print(f"{count:4} {line}")


def plain(ground: Ground, *, whole: bool) -> float:
    """How long an apply takes that nobody kills, when everything is cached and imported, in seconds.

    It runs in this process, so that those that are forked from it have nothing left to import.
    """
    if not whole:
        without_trying()
    length_s = 0.0
    for _ in range(2):
        length_s = measured("apply", lambda: apply_here(ground))
        if check(ground) != "new":
            raise SystemExit("the plain apply does not work")
        measured("rollback", lambda: torchlink(ground, "rollback"))
        if check(ground) != "old":
            raise SystemExit("the plain rollback does not work")
    return length_s


def measured(what: str, command: Callable[[], int]) -> float:
    """Run a command and print its time and its processor time, that of uv included; seconds."""
    began, before = time.monotonic(), os.times()
    if command():
        raise SystemExit(f"the plain {what} does not work")
    after, length_s = os.times(), time.monotonic() - began
    used = sum(after[:4]) - sum(before[:4])
    print(f"{what}: {length_s:.2f} s, {used:.2f} s of processor time", file=sys.__stdout__, flush=True)
    return length_s


def back(ground: Ground) -> None:
    end(ground, "rollback")
    if check(ground) != "old":
        raise SystemExit("a rollback does not lead back")


if __name__ == "__main__":
    main()
