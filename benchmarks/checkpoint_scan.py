"""``python -m benchmarks.checkpoint_scan FOLDER --peers PYTHON --torch PYTHON``: scanning, beside its peers.

FOLDER takes the test files (about 7 GB with ``--large``). ``--peers`` is the interpreter of an environment with
picklescan, modelscan, modelaudit and fickling, ``--torch`` that of one with torch. Each command runs in a process of
its own, its file in the page cache; the table shows the best of its wall-clock times and its peak memory. Run it with
the interpreter of an environment into which torchlink and its bytecode were installed, as users have it: without
bytecode the compiler takes most of the time of every command.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_MAKE = """
import sys, torch
path, tensors, size = sys.argv[1], int(sys.argv[2]), int(float(sys.argv[3]))
each = max(size // tensors // 4, 25)
torch.save({f"layer.{i}.weight": torch.zeros(each) for i in range(tensors)}, path)
"""
_UNSAFE = "import sys, torch; print(torch.serialization.get_unsafe_globals_in_checkpoint(sys.argv[1]))"
_FICKLING = """
import sys, zipfile
from fickling.fickle import Pickled
from fickling.analysis import check_safety
with zipfile.ZipFile(sys.argv[1]) as archive:
    name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
    print(check_safety(Pickled.load(archive.read(name))).severity)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One command."""

    name: str
    seconds: float
    megabytes: float


def measure(name: str, command: list[str], repeats: int, limit: float) -> Measured:
    """The best of some runs; infinite where it takes longer than ``limit`` seconds."""
    best, peak = float("inf"), 0.0
    for _ in range(repeats):
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        pid, status, usage = _wait(child.pid, limit)
        if not pid:
            child.kill()
            child.wait()
            return Measured(name=name, seconds=float("inf"), megabytes=0)
        child.returncode = os.waitstatus_to_exitcode(status)
        best = min(best, time.perf_counter() - began)
        peak = max(peak, usage / 1024)
    return Measured(name=name, seconds=best, megabytes=peak)


def _wait(pid: int, limit: float) -> tuple[int, int, int]:
    end = time.perf_counter() + limit
    while time.perf_counter() < end:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return done, status, usage.ru_maxrss
        time.sleep(0.001)
    return 0, 0, 0


def commands(file: Path, peers: str, torch: str) -> dict[str, list[str]]:
    found = {"torchlink": [str(Path(sys.executable).with_name("torchlink")), "checkpoint", "scan", str(file)]}
    if peers:
        folder = Path(peers).parent
        found["picklescan"] = [str(folder / "picklescan"), "-p", str(file)]
        found["modelscan"] = [str(folder / "modelscan"), "-p", str(file)]
        found["modelaudit"] = [str(folder / "modelaudit"), "scan", str(file)]
        if file.is_file():
            found["fickling"] = [peers, "-c", _FICKLING, str(file)]
    if torch and file.is_file():
        found["torch's helper"] = [torch, "-c", _UNSAFE, str(file)]
    return found


def table(title: str, measured: list[Measured]) -> None:
    print(f"\n{title}\n{'':<16}{'seconds':>10}{'MB':>8}{'times torchlink':>18}")
    ours = measured[0].seconds
    for one in measured:
        seconds = f"{one.seconds:.3f}" if one.seconds != float("inf") else "gave up"
        ratio = f"{one.seconds / ours:.1f}" if one.seconds != float("inf") else ""
        print(f"{one.name:<16}{seconds:>10}{one.megabytes:>8.0f}{ratio:>18}")


def make(torch: str, path: Path, tensors: int, size: float) -> Path:
    if not path.exists():
        subprocess.run([torch, "-c", _MAKE, str(path), str(tensors), str(size)], check=True)
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
    return path


def make_folder(torch: str, folder: Path, count: int) -> Path:
    if not folder.exists():
        folder.mkdir()
        first = make(torch, folder / "0.pt", 10, 1000)
        data = first.read_bytes()
        for index in range(1, count):
            (folder / f"{index}.pt").write_bytes(data)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peers", default="")
    parser.add_argument("--torch", required=True)
    parser.add_argument("--large", action="store_true", help="A file of 6.4 GB too.")
    parser.add_argument("--limit", type=float, default=120)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    files = [("100 MB, 300 tensors", 300, 1e8), ("20,000 tensors in 7 MB", 20_000, 2e6)]
    if arguments.large:
        files.append(("6.4 GB, 600 tensors", 600, 6.4e9))
    for title, tensors, size in files:
        path = make(arguments.torch, arguments.folder / f"{tensors}.pt", tensors, size)
        found = commands(path, arguments.peers, arguments.torch)
        table(
            title,
            [
                measure(name, command, 5 if name == "torchlink" else 2, arguments.limit)
                for name, command in found.items()
            ],
        )
    folder = make_folder(arguments.torch, arguments.folder / "many", 10_000)
    found = commands(folder, arguments.peers, "")
    chosen = {name: found[name] for name in ("torchlink", "picklescan") if name in found}
    table("10,000 small files", [measure(name, command, 2, 600) for name, command in chosen.items()])


if __name__ == "__main__":
    main()
