"""Kill an apply at random moments on a real environment, end it, and hold every file against RECORD.

Usage: ``python -m benchmarks.apply_kill [--runs 200] [--folder DIR] [--seed 0] [--packages torch]``. One process at a
time. Each run kills torchlink (anywhere, or within the switch) or uv, then ends what was begun with ``rollback`` or
``fix --continue``, and checks: exactly the old set or exactly the new one, every hash of every RECORD, the project's
file whole and of the same side. It stops at the first run that does not hold.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torchlink.model.plan import Plan, Step
from torchlink.model.report import Coverage, Report, Target, Verdict
from torchlink.report.json import render

SMALL = ({"numpy": "1.26.4", "pandas": "2.2.2"}, {"numpy": "2.2.6", "pandas": "2.2.3", "tqdm": "4.67.1"})
TORCH = ({"numpy": "1.26.4", "torch": "2.9.0"}, {"numpy": "2.2.6", "torch": "2.9.1", "tqdm": "4.67.1"})
RUN = "import sys; from torchlink.cli.main import run; sys.exit(run(sys.argv[1:]))"


@dataclass(frozen=True, slots=True)
class Ground:
    """The environment and the project that are worked on."""

    folder: Path
    old: Mapping[str, str]
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
        return "".join(f"{name}=={versions[name]}  # pinned\n" for name in self.old)


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
    ]
    edits = [
        Step(op="edit-pin", package=name, new=ground.new[name], file="requirements.txt", line=line)
        for line, name in enumerate(ground.old, 1)
    ]
    steps = (*moves, *edits)
    return Plan(id="p1", rank=1, summary="the new set", resolves=(), certainty="proven", unknown=0, steps=steps)


def report(chosen: Plan) -> Report:
    return Report(
        torchlink="0",
        verdict=Verdict.BROKEN,
        elapsed_s=0,
        target=Target(kind="environment", path=""),
        findings=(),
        coverage=Coverage(),
        plans=(chosen,),
    )


def torchlink(ground: Ground, *words: str) -> list[str]:
    return [sys.executable, "-c", RUN, *words, "--python", str(ground.environment)]


def apply(ground: Ground) -> subprocess.Popen[bytes]:
    """Start an apply."""
    command = torchlink(ground, "fix", str(ground.requirements.parent), "--apply", "--plans", str(ground.plans))
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def last_state(ground: Ground, known: int) -> str:
    """The state that the newest transaction has reached, empty where it has none yet."""
    folders = [path for path in (ground.environment / ".torchlink").glob("[0-9]*") if int(path.name) > known]
    try:
        lines = (max(folders, key=lambda path: int(path.name)) / "states.log").read_text().splitlines()
        return str(json.loads(lines[-1])["state"])
    except (ValueError, OSError, IndexError):
        return ""


def newest(ground: Ground) -> int:
    return max((int(path.name) for path in (ground.environment / ".torchlink").glob("[0-9]*")), default=0)


def kill(ground: Ground, how: str, whole_s: float, chance: random.Random) -> str:
    """Start an apply and kill it; which state it was killed in, or ``ended`` where it was faster."""
    known = newest(ground)
    process = apply(ground)
    try:
        if how == "anywhere":
            wait(process, chance.uniform(0.0, whole_s))
        elif how == "switch":
            while process.poll() is None and last_state(ground, known) not in ("switching", "switched", "committed"):
                time.sleep(0.0005)
            wait(process, chance.uniform(0.0, 0.25))
        else:
            kill_uv(process)
        if process.poll() is not None:
            return "ended"
        if how != "uv":
            process.kill()
        process.wait()
        return last_state(ground, known) or "before its journal"
    finally:
        process.kill()


def wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def kill_uv(process: subprocess.Popen[bytes]) -> None:
    """Kill uv as soon as it is there."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        for child in children.read_text().split() if children.exists() else ():
            try:
                if b"--prefix" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(int(child), signal.SIGKILL)
                    return
            except OSError:
                continue
        time.sleep(0.0005)


def end(ground: Ground, word: str) -> None:
    """End what was begun; where nothing had changed yet, --continue says so and that is an end too."""
    words = ("rollback",) if word == "rollback" else ("fix", str(ground.requirements.parent), "--continue")
    done = subprocess.run(torchlink(ground, *words), capture_output=True, text=True)
    if done.returncode == 2 and "before anything was changed" not in done.stderr:
        raise SystemExit(f"{word}: {done.stderr}")


def versions(ground: Ground) -> dict[str, str]:
    found: dict[str, str] = {}
    for info in ground.environment.glob("lib/python*/site-packages/*.dist-info"):
        name, _, version = info.name.removesuffix(".dist-info").partition("-")
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
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--packages", choices=("small", "torch"), default="small")
    options = parser.parse_args()
    ground = Ground(options.folder.absolute(), *(TORCH if options.packages == "torch" else SMALL))
    os.environ["XDG_STATE_HOME"] = str(ground.folder / "state")
    ground.folder.mkdir(parents=True, exist_ok=True)
    build(ground)
    whole_s = 0.0
    for _ in range(2):  # the second one finds everything cached
        began = time.monotonic()
        if apply(ground).wait() or check(ground) != "new":
            raise SystemExit("the plain apply does not work")
        whole_s = time.monotonic() - began
        end(ground, "rollback")
        if check(ground) != "old":
            raise SystemExit("the plain rollback does not work")
    chance = random.Random(options.seed)  # noqa: S311 - moments, not secrets
    tally: Counter[str] = Counter()
    for run in range(options.runs):
        how = ("anywhere", "switch", "uv")[run % 3]
        state = kill(ground, how, whole_s, chance)
        word = chance.choice(("rollback", "continue"))
        if state in ("preparing", "switching", "switched", "rolling back"):
            end(ground, word)
        side = check(ground)
        tally[f"killed {'uv' if how == 'uv' else 'torchlink'} while {state}: {side}"] += 1
        if side == "new":
            end(ground, "rollback")
            if check(ground) != "old":
                raise SystemExit("a rollback after the end does not lead back")
        print(f"{run + 1}/{options.runs} {how}, {state}, {word}: {side}", flush=True)
    for line, count in sorted(tally.items()):
        print(f"{count:4} {line}")


if __name__ == "__main__":
    main()
