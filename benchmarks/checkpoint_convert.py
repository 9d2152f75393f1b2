"""``python -m benchmarks.checkpoint_convert FOLDER --torch PYTHON --size 2e9``: .pt → .safetensors, beside ``cp``.

All times are wall-clock, of a whole process, with the source in the page cache. *durable* is until the bytes are on
the disk: for ``cp`` and ``save_file`` with a following ``sync`` of the file. torchlink syncs before it renames, so its
two times are one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

_MAKE = """
import sys, torch
path, size = sys.argv[1], float(sys.argv[2])
rows = max(int(size / 4 / 192 / 1000), 1)
model = {f"layer.{i}.weight": torch.randn(rows, 1000) for i in range(64)}
state = {
    i: {"exp_avg": torch.zeros(rows, 1000), "exp_avg_sq": torch.ones(rows, 1000), "step": torch.tensor(1.0)}
    for i in range(64)
}
torch.save({"model": model, "optimizer": {"state": state, "param_groups": []}, "epoch": 3}, path)
"""
_USUAL = """
import sys, torch
from safetensors.torch import save_file
state = torch.load(sys.argv[1], mmap=sys.argv[3] == "mmap")
flat = {}
def walk(value, path):
    if isinstance(value, torch.Tensor):
        flat[".".join(path)] = value
    elif isinstance(value, dict):
        for key, item in value.items():
            walk(item, (*path, str(key)))
walk(state, ())
save_file(flat, sys.argv[2])
"""


def run(command: list[str], target: Path) -> tuple[float, float, float]:
    """Wall seconds, durable seconds, and megabytes."""
    target.unlink(missing_ok=True)
    os.sync()
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if child.returncode:
        raise SystemExit(f"{command[0]} failed")
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    return wall, time.perf_counter() - began, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--torch", default="")
    parser.add_argument("--size", type=float, default=2e9)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    source, target = arguments.folder / f"{arguments.size:.0f}.pt", arguments.folder / "out.safetensors"
    if not source.exists():
        subprocess.run([arguments.torch, "-c", _MAKE, str(source), str(arguments.size)], check=True)
    with source.open("rb") as file:
        while file.read(1 << 24):
            pass
    tool = str(Path(sys.executable).with_name("torchlink"))
    ways = {
        "cp": ["cp", str(source), str(target)],
        "torchlink": [tool, "checkpoint", "convert", str(source), str(target)],
    }
    if arguments.torch:
        ways["load + save_file"] = [arguments.torch, "-c", _USUAL, str(source), str(target), ""]
        ways["mmap + save_file"] = [arguments.torch, "-c", _USUAL, str(source), str(target), "mmap"]
    print(
        f"{source.stat().st_size / 1e9:.2f} GB\n"
        f"{'':<18}{'wall s':>8}{'durable s':>11}{'MB':>8}{'wall/cp':>9}{'durable/cp':>12}"
    )
    base = (1.0, 1.0)
    for name, command in ways.items():
        runs = [run(command, target) for _ in range(arguments.repeats if name in ("cp", "torchlink") else 1)]
        wall, durable, peak = min(one[0] for one in runs), min(one[1] for one in runs), max(one[2] for one in runs)
        base = (wall, durable) if name == "cp" else base
        print(f"{name:<18}{wall:>8.2f}{durable:>11.2f}{peak:>8.0f}{wall / base[0]:>9.2f}{durable / base[1]:>12.2f}")
    target.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
