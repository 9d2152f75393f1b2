"""Loadability, predicted and then tried, over releases of torch and NumPy.

``TORCHLINK_LAB_PYTHONS`` names the interpreters of environments with torch, separated like ``PATH``. Each saves every
kind of file, and each loads the files of all.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from torchlink.checkpoint.inspect import environment_at
from torchlink.checkpoint.installed import Installed
from torchlink.checkpoint.judge import judge
from torchlink.checkpoint.loadability import loadability
from torchlink.checkpoint.reader import read_contents
from torchlink.checkpoint.source import open_source
from torchlink.model.errors import UnreadableError

PYTHONS = [python for python in os.environ.get("TORCHLINK_LAB_PYTHONS", "").split(os.pathsep) if python]
SAMPLES = Path(__file__).with_name("samples.py")

_LOAD = """
import contextlib, io, json, os, sys, warnings
warnings.filterwarnings("ignore")
import torch
answers = {}
for file, code in json.load(open(sys.argv[1])).items():
    os.chdir(os.path.dirname(file))
    answer = []
    for step in (
        lambda: torch.load(file, weights_only=True),
        lambda: torch.load(file, weights_only=False),
        lambda: exec(code, {}),
    ):
        if hasattr(torch.serialization, "clear_safe_globals"):
            torch.serialization.clear_safe_globals()
        try:
            step()
            answer.append(True)
        except Exception as error:
            answer.append(False)
    answers[file] = answer
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    found: list[Path] = []
    for index, python in enumerate(PYTHONS):
        folder = tmp_path_factory.mktemp(f"saved{index}")
        subprocess.run([python, "-B", str(SAMPLES), str(folder)], check=True, capture_output=True)
        found.extend(sorted(folder.glob("*.pt")))
    return found


@pytest.mark.lab
@pytest.mark.skipif(not PYTHONS, reason="needs TORCHLINK_LAB_PYTHONS")
@pytest.mark.parametrize("python", PYTHONS)
def test_predictions_come_true(python: str, files: list[Path], tmp_path: Path) -> None:
    predicted = _predict(python, files)
    question = tmp_path / "files.json"
    question.write_text(json.dumps({str(file): code for file, (_, _, code) in predicted.items()}))
    run = subprocess.run([python, "-B", "-c", _LOAD, str(question)], check=True, capture_output=True, text=True)
    real = json.loads(run.stdout.splitlines()[-1])
    right = total = 0
    for file, (restricted, free, code) in predicted.items():
        loads = real[str(file)]
        for told, happened in ((restricted, loads[0]), (free, loads[1])):
            assert not (told is True and not happened), (file, "said to load, and does not")
            right += told == happened
            total += 1
        assert not code or loads[2], (file, code)
    assert right >= 0.98 * total


def _predict(python: str, files: list[Path]) -> dict[Path, tuple[bool | None, bool | None, str]]:
    environment = environment_at(Path(python))
    assert environment is not None
    installed = Installed(environment)
    found: dict[Path, tuple[bool | None, bool | None, str]] = {}
    for file in files:
        source = open_source(file)
        try:
            contents = read_contents(source)
            load = loadability(contents, judge(contents), environment, installed)
            assert load is not None
            found[file] = (load.restricted.loads, load.free.loads, load.code)
        except UnreadableError:
            found[file] = (False, False, "")
        finally:
            source.close()
    return found
