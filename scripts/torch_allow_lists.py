"""Regenerate ``weights_only.json``, ``torch_defaults.txt`` and ``torch_classes.txt`` from installed torch releases.

Usage: ``python scripts/torch_allow_lists.py PYTHON...``, each the interpreter of an environment with another torch,
oldest first. Each is asked what its ``torch.load(weights_only=True)`` allows, and which classes torch.nn and
torch.optim define. Releases between two of them are taken to be like the older one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

RULES = Path(__file__).parent.parent / "src" / "torchlink" / "checkpoint" / "rules"

PROBE = """
import hashlib, importlib, inspect, json, pkgutil, warnings
warnings.filterwarnings("ignore")
import torch
from torch import _weights_only_unpickler as unpickler
bases = (torch.nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler._LRScheduler)
classes = set()
for package in ("torch.nn.modules", "torch.optim", "torch.nn.utils", "torch.ao.nn"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        try:
            found = importlib.import_module(module.name)
        except ImportError:
            continue
        for value in vars(found).values():
            if inspect.isclass(value) and value.__module__ == module.name and issubclass(value, bases):
                classes.add(f"{value.__module__}.{value.__qualname__}")
source = open(unpickler.__file__, "rb").read()
print(json.dumps({
    "torch": torch.__version__.partition("+")[0],
    "source": hashlib.sha256(source).hexdigest(),
    "allowed": sorted(unpickler._get_allowed_globals()),
    "blocked": sorted(getattr(unpickler, "_blocklisted_modules", [])),
    "classes": sorted(name for name in classes if "<locals>" not in name),
}))
"""


def ask(python: str) -> dict[str, list[str]]:
    answer = subprocess.run([python, "-B", "-c", PROBE], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def main() -> None:
    answers = [ask(python) for python in sys.argv[1:]]
    releases, before, classes = [], set(), set()
    for answer in answers:
        allowed = set(answer["allowed"])
        releases.append(
            {
                "torch": answer["torch"],
                "evidence": f"torch/_weights_only_unpickler.py, sha256 {answer['source']}",
                "added": sorted(allowed - before),
                "removed": sorted(before - allowed),
                "blocked_modules": answer["blocked"],
            }
        )
        before = allowed
        classes |= set(answer["classes"])
    names = {name for release in releases for name in release["added"]}
    about = (
        f"# What weights_only=True allows by default in torch {', '.join(release['torch'] for release in releases)}.\n"
    )
    (RULES / "torch_defaults.txt").write_text(about + "\n".join(sorted(names)) + "\n")
    (RULES / "weights_only.json").write_text(json.dumps({"schema": 1, "releases": releases}, indent=1) + "\n")
    head = f"# Classes of torch.nn and torch.optim in torch {', '.join(str(answer['torch']) for answer in answers)}.\n"
    (RULES / "torch_classes.txt").write_text(head + "\n".join(sorted(classes)) + "\n")


if __name__ == "__main__":
    main()
