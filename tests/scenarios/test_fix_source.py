"""``torchlink fix --source``, as a user meets it."""

from __future__ import annotations

import argparse
import json
import pickle
from collections.abc import Mapping

from tests.checkpoint.archives import torch_zip
from tests.scenarios.world import World
from torchlink.cli.main import run
from torchlink.model.report import Verdict
from torchlink.report.json import load

PLAIN = torch_zip(pickle.dumps({"epoch": 3}, protocol=2))
OPTIONS = torch_zip(pickle.dumps({"options": argparse.Namespace(lr=1)}, protocol=2))
ANYTHING = "def __getattr__(name): return object()\n"


def fix(world: World, *options: str) -> tuple[int, str, str]:
    code = run(["fix", str(world.project), "--source", "--python", str(world.python), *options])
    out, err = world.capture.readouterr()
    return code, out, err


def install(world: World, versions: Mapping[str, str]) -> None:
    for name, version in versions.items():
        world.install(name, version, {f"{name}/__init__.py": ANYTHING})


def read(world: World, name: str = "train.py") -> str:
    return (world.project / name).read_text()


def test_a_file_that_loads_is_said_to_be_weights_only(world: World) -> None:
    install(world, {"torch": "2.6.0"})
    (world.project / "best.pt").write_bytes(PLAIN)
    world.source("train.py", "import torch\n\nstate = torch.load('best.pt')  # ours\n")
    code, out, _ = fix(world)
    assert code == 1
    assert "+state = torch.load('best.pt', weights_only=True)  # ours\n" in out
    assert "1 edit in 1 file; --apply writes them." in out
    assert "weights_only" not in read(world)
    code, out, _ = fix(world, "--apply")
    assert (code, "1 edit in 1 file written." in out) == (0, True)
    assert read(world) == "import torch\n\nstate = torch.load('best.pt', weights_only=True)  # ours\n"
    assert fix(world)[:2] == (0, "Nothing to rewrite, and nothing to choose.\n")


def test_a_file_with_a_class_gets_its_exact_list(world: World) -> None:
    install(world, {"torch": "2.6.0"})
    (world.project / "best.pt").write_bytes(OPTIONS)
    world.source("train.py", "import torch\n\nstate = torch.load('best.pt')\n")
    assert fix(world, "--apply")[0] == 0
    assert "with torch.serialization.safe_globals([Namespace]):\n    state = torch.load(" in read(world)
    assert "from argparse import Namespace\n" in read(world)
    assert not [finding for finding in world.report().findings if finding.rule]


def test_what_cannot_be_known_is_left_to_choose(world: World) -> None:
    install(world, {"torch": "2.6.0"})
    world.source("train.py", "import sys\nimport torch\n\nstate = torch.load(sys.argv[1])\n")
    code, out, _ = fix(world, "--apply")
    assert code == 1
    assert "CHOOSE    torch-load-default: which file it reads" in out
    assert "Say weights_only=False for a file that you made yourself. Whoever wrote the file" in " ".join(out.split())
    assert "Nothing to rewrite." in out


def test_one_call_for_two_files_is_edited_where_both_load(world: World) -> None:
    install(world, {"torch": "2.6.0"})
    source = "import torch\ndef read(path):\n    return torch.load(path)\na = read('a.pt')\nb = read('b.pt')\n"
    world.source("train.py", source)
    (world.project / "a.pt").write_bytes(PLAIN)
    (world.project / "b.pt").write_bytes(PLAIN)
    assert "torch.load(path, weights_only=True)" in fix(world)[1]
    (world.project / "b.pt").unlink()
    assert "Nothing to rewrite." in fix(world)[1]


def test_names_and_arguments_are_exchanged(world: World) -> None:
    install(world, {"torch": "2.7.0", "numpy": "2.0.2"})
    source = (
        "import numpy as np\nimport torch\n\nx = np.float_(1)\n"
        "s = torch.optim.lr_scheduler.StepLR(o, 1, verbose=True)\n"
    )
    world.source("train.py", source)
    assert fix(world, "--apply")[0] == 0
    assert read(world) == source.replace("float_", "float64").replace(", verbose=True", "")


def notebook(*cells: object, indent: int | None = 1) -> str:
    document = {
        "cells": list(cells),
        "metadata": {"kernelspec": {"name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=indent, ensure_ascii=False) + "\n"


def code_cell(source: object) -> dict[str, object]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}


def test_the_cells_of_a_notebook_are_rewritten_and_its_magics_kept(world: World) -> None:
    install(world, {"numpy": "2.0.2"})
    text = {"cell_type": "markdown", "metadata": {}, "source": ["# Größe\n", "`np.float_`"]}
    install_cell = code_cell(["!pip install numpy\n", "import numpy as np\n", "files = !ls\n"])
    before = notebook(
        text, install_cell, code_cell(["%time x = 1\n", "x = np.float_(1)  # kept"]), code_cell("np.float_(2)")
    )
    world.source("a.ipynb", before)
    assert fix(world, "--apply")[0] == 0
    assert read(world, "a.ipynb") == before.replace("np.float_(", "np.float64(")


def test_a_notebook_whose_layout_would_be_lost_is_left(world: World) -> None:
    install(world, {"numpy": "2.0.2"})
    before = notebook(code_cell("import numpy as np\nnp.float_(1)"), indent=3)
    world.source("a.ipynb", before)
    code, out, _ = fix(world, "--apply")
    assert (code, read(world, "a.ipynb")) == (1, before)
    assert "laid out" in out


def test_a_comment_keeps_its_line_as_it_is(world: World) -> None:
    install(world, {"numpy": "2.0.2"})
    world.source("a.py", "import numpy as np\nnp.float_(1)  # torchlink: ignore[numpy-2-names] NumPy 1 only\n")
    assert fix(world)[0] == 0


def test_json_says_the_same(world: World) -> None:
    install(world, {"numpy": "2.0.2"})
    world.source("a.py", "import numpy as np\nnp.float_(1)\nnp.who()\n")
    code, out, _ = fix(world, "--format", "json")
    report = load(out)
    edited, chosen = report.plans
    assert (code, report.verdict) == (1, Verdict.RISKY)
    assert (edited.certainty, [step.line for step in edited.steps]) == ("proven", [2])
    assert edited.note.startswith("--- a/a.py\n+++ b/a.py\n")
    assert (chosen.certainty, [step.line for step in chosen.steps]) == ("suggested", [3])


def test_bad_usage(world: World) -> None:
    assert run(["fix", str(world.project), "--source", "--with", "x"]) == 2
    assert "no what-if target" in world.capture.readouterr()[1]


def test_edits_are_carried_out_as_a_transaction_and_undone(world: World) -> None:
    install(world, {"torch": "2.6.0"})
    (world.project / "best.pt").write_bytes(PLAIN)
    world.source("train.py", "import torch\n\nstate = torch.load('best.pt')  # ours\n")
    before, plans = read(world), world.project / "plans.json"
    assert fix(world, "--format", "json", "--output", str(plans))[0] == 1
    place = ["--python", str(world.python)]
    # The torch of this test has no functions: its probes fail before as after.
    assert run(["fix", str(world.project), "--apply", "--plans", str(plans), *place]) == 0
    assert "weights_only=True" in read(world)
    assert run(["rollback", *place]) == 0
    assert read(world) == before
