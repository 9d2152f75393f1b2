"""Which uses a rule is about, how bad they are, and who is to blame."""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Mapping

import pytest

from tests.checkpoint.archives import torch_zip
from tests.scenarios.conftest import world
from tests.scenarios.world import World
from torchlink.model.finding import Finding
from torchlink.model.reference import Kind, Severity
from torchlink.model.report import Verdict

__all__ = ["world"]

ANYTHING = "def __getattr__(name): return object()\n"


def install(world: World, **versions: str) -> None:
    for name, version in versions.items():
        world.install(name, version, {f"{name}/__init__.py": ANYTHING})


def behaviours(world: World) -> list[Finding]:
    return [finding for finding in world.report().findings if finding.kind is Kind.BEHAVIOUR]


def judged(world: World, source: str, **more: str) -> list[tuple[str, Severity]]:
    world.source("train.py", source)
    for path, text in more.items():
        world.source(f"{path}.py", text)
    return [(finding.rule, finding.severity) for finding in behaviours(world)]


PLAIN = torch_zip(pickle.dumps({"epoch": 3}, protocol=2))
REFUSED_FILE = torch_zip(pickle.dumps(argparse.Namespace(lr=1), protocol=2))

DEFAULT = "torch-load-default"
REFUSED = "torch-load-refused"


@pytest.mark.parametrize(
    ("source", "severity"),
    [
        ("import torch\ntorch.load('x')", Severity.RISK),
        ("import torch as t\nt.load('x', 'cpu')", Severity.RISK),
        ("from torch import load\nload('x', weights_only=None)", Severity.RISK),
        ("import torch\ntorch.load('x', **{'map_location': 'cpu'})", Severity.RISK),
        ("import functools, torch\nread = functools.partial(torch.load, map_location='cpu')\nread('x')", Severity.RISK),
        ("import torch\ndef read(path, **more):\n    return torch.load(path, **more)\nread('x')", Severity.RISK),
        ("from helpers import load\nload('x')", Severity.RISK),
        ("import torch\ntry:\n    torch.load('x')\nexcept OSError:\n    pass", Severity.RISK),
    ],
)
def test_a_bare_load_of_an_unknown_file_is_a_risk(world: World, source: str, severity: Severity) -> None:
    install(world, torch="2.6.0")
    assert judged(world, source, helpers="from torch import load") == [(DEFAULT, severity)]


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.load('x', weights_only=True)",
        "import torch\ntorch.load('x', **{'weights_only': True})",
        "import torch\noptions = dict()\nimport json\njson.load('x')",
        "import functools, torch\nread = functools.partial(torch.load, weights_only=True)\nread('x')",
        "import torch\ndef read(path, **more):\n    return torch.load(path, **more)\nread('x', weights_only=True)",
        "import torch\ndef read(path, safe=True):\n    return torch.load(path, weights_only=safe)\nread('x')",
        "import torch\nif torch.__version__ < '2.6':\n    torch.load('x')",
        "import torch\ntry:\n    torch.load('x')\nexcept Exception:\n    pass",
        "import torch\ntorch.load = print\ntorch.load('x')",
        "import os, torch\nos.environ['TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'] = '1'\ntorch.load('x')",
        "import torch\ntorch.serialization.add_safe_globals([object])\ntorch.load('x')",
        "import torch\nwith torch.serialization.safe_globals([object]):\n    torch.load('x')",
    ],
)
def test_there_is_no_alarm_where_somebody_has_decided(world: World, source: str) -> None:
    install(world, torch="2.6.0")
    assert judged(world, source) == []


def test_the_version_decides(world: World) -> None:
    install(world, torch="2.5.1")
    assert judged(world, "import torch\ntorch.load('x')") == []


def test_what_is_only_known_at_run_time_is_undecided(world: World) -> None:
    install(world, torch="2.6.0")
    world.source("train.py", "import torch\nimport sys\ntorch.load('x', weights_only=sys.argv[1])")
    report = world.report()
    assert report.verdict is Verdict.UNDECIDED
    assert [one.artifact for one in report.undecided if one.kind is Kind.BEHAVIOUR] == ["train.py:3"]


SAVES = {
    "np.random.get_state()": ("torch", "numpy"),
    "np.float64(1)": ("torch", "numpy"),
    "argparse.Namespace()": ("torch",),
    "torch.nn.Linear(2, 2)": ("torch",),
    "Own()": ("torch",),
    "pathlib.Path('x')": ("torch",),
}


@pytest.mark.parametrize(("value", "culprits"), SAVES.items())
@pytest.mark.parametrize(("option", "rule"), [("", DEFAULT), (", weights_only=True", REFUSED)])
def test_what_the_project_saves_itself_decides(
    world: World, value: str, culprits: tuple[str, ...], option: str, rule: str
) -> None:
    install(world, torch="2.6.0", numpy="2.2.6")
    head = "import argparse, io, pathlib, torch, numpy as np\nclass Own: pass\n"
    world.source(
        "train.py", f"{head}buffer = io.BytesIO()\ntorch.save({{'a': {value}}}, buffer)\ntorch.load(buffer{option})"
    )
    (finding,) = behaviours(world)
    assert (finding.rule, finding.severity, finding.culprits) == (rule, Severity.BREAK, culprits)


@pytest.mark.parametrize("value", ["torch.ones(2)", "model.state_dict()", "3", "[1, {'a': 'b'}]", "random.getstate()"])
def test_plain_values_load(world: World, value: str) -> None:
    install(world, torch="2.6.0")
    assert judged(world, f"import random, torch\ntorch.save({{'a': {value}}}, 'a.pt')\ntorch.load('a.pt')") == []


@pytest.mark.parametrize(
    "source",
    [
        "model.load_state_dict(torch.load('x'))",
        "state = torch.load('x', 'cpu')\nmodel.load_state_dict(state, strict=False)",
    ],
)
def test_a_state_dict_is_not_suspected(world: World, source: str) -> None:
    install(world, torch="2.6.0")
    assert judged(world, f"import torch\n{source}") == []
    assert judged(world, "import torch\nmodel.load_state_dict(torch.load('x')['model'])") == [(DEFAULT, Severity.RISK)]


def test_under_a_condition_it_is_a_risk(world: World) -> None:
    install(world, torch="2.6.0")
    source = "import argparse, torch\ntorch.save(argparse.Namespace(), 'a')\nif flag:\n    torch.load('a')"
    assert judged(world, source) == [(DEFAULT, Severity.RISK)]


def test_a_file_that_lies_there_is_opened(world: World) -> None:
    install(world, torch="2.6.0")
    (world.project / "best.pt").write_bytes(PLAIN)
    assert judged(world, "import torch\ntorch.load('best.pt')") == []


def test_another_file_is_another_answer(world: World) -> None:
    install(world, torch="2.6.0")
    (world.project / "best.pt").write_bytes(PLAIN)
    assert judged(world, "import torch\ntorch.load('best.pt')") == []
    (world.project / "best.pt").write_bytes(REFUSED_FILE)
    (finding,) = behaviours(world)
    assert finding.severity is Severity.BREAK
    assert "argparse.Namespace" in finding.cause


@pytest.mark.parametrize(
    ("loader", "files", "found"),
    [
        ("AutoModelForCausalLM", ["pytorch_model.bin"], True),
        ("BertModel", ["pytorch_model.bin"], True),
        ("BertModel", ["pytorch_model.bin", "model.safetensors"], False),
        ("BertModel", [], False),
        ("AutoTokenizer", ["pytorch_model.bin"], False),
        ("AutoConfig", ["pytorch_model.bin"], False),
    ],
)
def test_weights_that_are_only_there_as_bin(world: World, loader: str, files: list[str], found: bool) -> None:
    install(world, torch="2.4.0", transformers="4.57.3")
    for name in files:
        world.source(f"tiny/{name}", "")
    source = f"from transformers import {loader}\n{loader}.from_pretrained('./tiny')"
    assert judged(world, source) == ([("transformers-bin-gate", Severity.BREAK)] if found else [])
    world.source("tiny/model.safetensors", "")
    assert judged(world, source) == []


def test_weights_only_false_is_a_note(world: World) -> None:
    install(world, torch="2.6.0")
    assert judged(world, "import torch\ntorch.load('x', weights_only=False)") == [
        ("torch-load-unrestricted", Severity.NOTE)
    ]
    assert world.report().verdict is Verdict.SOUND


def test_an_installed_package_that_is_reached_is_a_risk_and_to_blame(world: World) -> None:
    install(world, torch="2.6.0")
    world.install("yolo", "1.0", {"yolo/__init__.py": "import torch\ndef read(path):\n    return torch.load(path)\n"})
    world.source("train.py", "import yolo")
    (finding,) = behaviours(world)
    assert (finding.needer.name, finding.severity, finding.culprits) == ("yolo", Severity.RISK, ("torch", "yolo"))
    assert finding.reached_from == ("train.py:1 → yolo/__init__.py:3",)
    world.source("train.py", "import torch")
    assert behaviours(world) == []


def test_a_package_that_replaces_the_function_answers_for_all(world: World) -> None:
    install(world, torch="2.6.0")
    files = {"yolo/__init__.py": "import torch\ndef mine(*a, **k): ...\ntorch.load = mine\n"}
    world.install("yolo", "1.0", files)
    assert judged(world, "import torch, yolo\ntorch.load('x')") == []


def test_a_cell_of_a_notebook_is_named(world: World) -> None:
    import json

    install(world, torch="2.6.0")
    cells = [{"cell_type": "markdown", "source": "x"}, {"cell_type": "code", "source": "import torch\ntorch.load('x')"}]
    world.source("a.ipynb", json.dumps({"cells": cells}))
    (finding,) = behaviours(world)
    assert finding.evidence[0].detail == "cell 2, line 2, column 1: torch.load('x')"


def test_two_rules_are_two_findings_with_ids_of_their_own(world: World) -> None:
    install(world, torch="2.6.0")
    source: Mapping[str, str] = {
        "a": "import torch\ntorch.load('x')",
        "b": "import torch\ntorch.load('y', weights_only=False)",
    }
    for name, text in source.items():
        world.source(f"{name}.py", text)
    assert sorted(finding.id for finding in behaviours(world)) == [
        "behaviour:project:torch:torch-load-default",
        "behaviour:project:torch:torch-load-unrestricted",
    ]


def test_a_comment_with_a_reason_sets_it_aside(world: World) -> None:
    install(world, torch="2.6.0")
    source = "import torch\ntorch.load('x')  # torchlink: ignore[torch-load-default] written by our own exporter\n"
    world.source("train.py", source)
    assert behaviours(world) == []
    assert world.report().silenced == 1
    world.source("train.py", source + "torch.load('y')\n")
    assert [finding.count for finding in behaviours(world)] == [1]


def test_a_rule_is_silenced_in_the_configuration(world: World) -> None:
    install(world, torch="2.6.0")
    entry = '[[tool.torchlink.silence]]\ncode = "torch-load-default"\nreason = "ours"\n'
    (world.project / "pyproject.toml").write_text(entry)
    assert judged(world, "import torch\ntorch.load('x')") == []
    assert world.report().silenced == 1
