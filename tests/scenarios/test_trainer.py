"""The desktop trainer of ``examples/``: seven pip steps, on real wheels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from torchlink.cli.main import run
from torchlink.model.report import Report
from torchlink.report.json import load

pytestmark = pytest.mark.lab
PROGRAM = Path(__file__).parents[2] / "examples" / "desktop-trainer" / "src" / "setup.rs"


def played(file: Path, capsys: pytest.CaptureFixture[str], *options: str) -> Report:
    code = run(["pins", "play", str(file), *options, "--format", "json"])
    out, err = capsys.readouterr()
    assert code in (0, 1), err
    return load(out)


def test_the_trainers_steps_are_made_safe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = tmp_path / "limits.txt"
    report = played(PROGRAM, capsys, "--constraints", str(limits))
    lost = next(one for one in report.findings if one.id == "pin:setup.rs:torch")
    assert re.match(r"step \d \(setup\.rs:\d+\) moves torch 2\.3\.1 → ", lost.cause)
    (plan,) = report.plans
    assert plan.certainty == "inferred", plan.note
    assert "what they leave links as a whole" in plan.note and "still there" not in plan.note
    assert "step 6 (setup.rs:23)" in plan.note  # of an address nothing is known
    assert {"pin:setup.rs:torch", "pin:setup.rs:torchvision"} <= set(plan.resolves)
    held = limits.read_text(encoding="utf-8").splitlines()
    assert "torch==2.3.1" in held and any(line.startswith("numpy==1.") for line in held)

    steps = (
        "'numpy<2'",
        "torch==2.3.1 torchvision==0.18.1 torchaudio==2.3.1 xformers",
        "--upgrade transformers huggingface_hub",
        "bitsandbytes",
        "trl peft accelerate datasets tensorboard",
    )
    script = tmp_path / "setup.sh"
    script.write_text("".join(f"pip install -c limits.txt {step}\n" for step in steps), encoding="utf-8")
    again = played(script, capsys)
    assert [one.title for one in again.findings if one.severity.value != "note"] == []
