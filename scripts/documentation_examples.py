"""Write the real output of ``torchlink check --explain`` into the pages of ``docs/findings``.

Usage: ``python scripts/documentation_examples.py ENVIRONMENTS``, a folder with environments of the exam
(``python -m benchmarks.exam --environments ENVIRONMENTS --keep`` builds them).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PAGES = Path(__file__).parent.parent / "docs" / "findings"
_EXAMPLE = re.compile(r"^```text\n.*?^```$", re.DOTALL | re.MULTILINE)
_TAIL = "If this is known and accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A finding that a page shows."""

    page: str
    environment: str
    code: str
    finding: str


EXAMPLES = (
    Example(
        page="requires",
        environment="0c9b6fc5c7",
        code="from ultralytics import YOLO",
        finding="requires:ultralytics:numpy",
    ),
    Example(
        page="import", environment="d23a9595f7", code="import torchao.quantization", finding="import:torchao:torch"
    ),
    Example(
        page="gate",
        environment="97be652f1d",
        code="from transformers import AutoModel",
        finding="gate:transformers:huggingface-hub",
    ),
    Example(page="symbol", environment="d413918e87", code="import torchvision", finding="symbol:torchvision:torch"),
    Example(page="library", environment="9f70c0a908", code="import torchvision", finding="library:torchvision:torch"),
    Example(
        page="numpy-abi",
        environment="9d83ae9258",
        code="import torch\n\nprint(torch.ones(3).numpy())",
        finding="numpy-abi:torch:numpy",
    ),
    Example(
        page="behaviour",
        environment="a1e86287af",
        code=(
            "import argparse\n\nimport torch\n\noptions = argparse.Namespace(lr=0.1)\n"
            'torch.save({"options": options, "weights": torch.ones(2)}, "last.pt")\n'
            'print(torch.load("last.pt", map_location="cpu"))'
        ),
        finding="behaviour:project:torch:torch-load-default",
    ),
)


def main() -> int:
    """Rewrite the example of every page; a finding that is gone leaves its page as it is, and exits with 1."""
    environments = Path(sys.argv[1])
    gone = [example for example in EXAMPLES if not _write(example, environments / example.environment)]
    for example in gone:
        print(f"{example.page}: {example.environment} no longer shows {example.finding}", file=sys.stderr)
    return int(bool(gone))


def _write(example: Example, environment: Path) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        project.mkdir()
        (project / "train.py").write_text(example.code + "\n", encoding="utf-8")
        shown = _explained(example, environment, project)
    if not shown:
        return False
    page = PAGES / f"{example.page}.md"
    block = f"```text\n$ torchlink check --explain {example.finding}\n{shown}```"
    page.write_text(_EXAMPLE.sub(lambda _: block, page.read_text(encoding="utf-8"), count=1), encoding="utf-8")
    return True


def _explained(example: Example, environment: Path, project: Path) -> str:
    """The finding in full, with the paths of this machine as a reader would have them; empty where it is not found."""
    torchlink = Path(sys.executable).with_name("torchlink")
    target = ["check", str(project), "--python", str(environment / "bin" / "python")]
    done = subprocess.run(
        [str(torchlink), *target, "--explain", example.finding],
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 1):
        return ""
    shown = done.stdout.partition(_TAIL)[0].rstrip() + "\n"
    return shown.replace(str(environment.resolve()), ".venv").replace(str(environment), ".venv")


if __name__ == "__main__":
    sys.exit(main())
