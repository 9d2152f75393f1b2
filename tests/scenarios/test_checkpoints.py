"""``torchlink check`` on a project that has checkpoints: what its source loads, and what lies there besides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checkpoint import ops
from tests.checkpoint.archives import torch_zip
from tests.scenarios.world import World
from torchlink.model.reference import Kind, Severity

LOADER = "def load(f, weights_only=True): pass\ndef save(value, f): pass\n"
TORCH = {"torch/__init__.py": LOADER, "torch/_C/__init__.pyi": "float32: object\n"}
WHOLE_MODEL = torch_zip(b"\x80\x02" + ops.name("models.yolo", "Model") + b")\x81.")
OF_SCRIPT = torch_zip(b"\x80\x02" + ops.name("__main__", "Model") + b")\x81.")
PLAIN = torch_zip(b"\x80\x02}q\x00X\x05\x00\x00\x00epochq\x01K\x03s.")
HOSTILE = b"\x80\x02" + ops.name("posix", "system") + b"X\x04\x00\x00\x00true\x85R."
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12\n"
Found = list[tuple[Kind, Severity, str, tuple[str, ...]]]


def lay(world: World, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        target = world.project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def found(world: World) -> Found:
    """What is said of the files; what is said of the calls that load them is the matter of the behaviour rules."""
    findings = [one for one in world.report().findings if one.kind is not Kind.BEHAVIOUR]
    return [(one.kind, one.severity, one.needer.name, one.reached_from) for one in findings]


@pytest.fixture
def project(world: World) -> World:
    world.install("torch", "2.9.0", TORCH)
    world.install("numpy", "2.1.0", {"numpy/__init__.py": ""})
    return world


def test_a_checkpoint_that_is_loaded_needs_its_classes(project: World) -> None:
    lay(project, {"weights/best.pt": WHOLE_MODEL})
    project.source("train.py", "import torch\ndef main():\n    return torch.load('weights/best.pt')\n")
    (first, *others) = found(project)
    assert first == (Kind.GLOBAL, Severity.BREAK, "weights/best.pt", ("train.py:3",))
    assert [severity for _, severity, _, _ in others] == []


def test_the_projects_own_modules_have_classes_too(project: World) -> None:
    lay(project, {"best.pt": WHOLE_MODEL})
    project.source("models/yolo.py", "class Model:\n    pass\n")
    project.source("train.py", "import torch\ntorch.load('best.pt', weights_only=False)\n")
    assert [severity for _, severity, _, _ in found(project)] == [Severity.NOTE]


def test_a_checkpoint_that_nothing_loads_is_a_risk_at_most(project: World) -> None:
    lay(project, {"old/best.pt": WHOLE_MODEL})
    project.source("train.py", "import torch\ntorch.save({}, 'old/best.pt')\n")
    assert found(project) == [(Kind.GLOBAL, Severity.RISK, "old/best.pt", ())]


def test_a_class_of_the_script_that_saved_it_may_be_in_the_one_that_loads(project: World) -> None:
    lay(project, {"best.pt": OF_SCRIPT})
    project.source("train.py", "import torch\nclass Model:\n    pass\ntorch.load('best.pt', weights_only=False)\n")
    assert Severity.BREAK not in [severity for _, severity, _, _ in found(project)]


def test_a_hostile_file_is_a_break_where_it_is_loaded(project: World) -> None:
    lay(project, {"data/evil.pkl": HOSTILE})
    project.source("data/read.py", "import pickle\nx = pickle.load(open('evil.pkl', 'rb'))\n")
    assert found(project) == [(Kind.UNSAFE, Severity.BREAK, "data/evil.pkl", ("data/read.py:2",))]


def test_a_pointer_in_the_place_of_weights(project: World) -> None:
    lay(project, {"model.bin": POINTER, "tokens.bin": b"no checkpoint at all"})
    project.source("run.py", "import torch\ntorch.load('./model.bin')\n")
    assert found(project) == [(Kind.CORRUPT, Severity.BREAK, "model.bin", ("run.py:2",))]


def test_a_models_folder_needs_its_classes(project: World) -> None:
    project.install("transformers", "4.46.0", {"transformers/__init__.py": "class BertModel: pass\n"})
    config = {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"}
    lay(project, {"model/config.json": json.dumps(config).encode(), "model/adapter_config.json": b"{}"})
    project.source("run.py", "x = 1\n")
    assert found(project) == [(Kind.GLOBAL, Severity.RISK, "model", ())]


def test_what_loads_is_no_finding_and_is_listed(project: World) -> None:
    lay(project, {"epoch3.pt": PLAIN})
    project.source("run.py", "import torch\ntorch.load('epoch3.pt')\n")
    report = project.report()
    assert report.findings == ()
    assert [(one.path, one.verdict) for one in report.artifacts] == [("epoch3.pt", "clean")]


def test_a_checkpoint_that_changes_is_looked_at_again(project: World) -> None:
    lay(project, {"best.pt": PLAIN})
    project.source("run.py", "import torch\ntorch.load('best.pt')\n")
    assert found(project) == []
    lay(project, {"best.pt": WHOLE_MODEL})
    assert [severity for _, severity, _, _ in found(project)] == [Severity.BREAK]


def test_a_folder_full_of_checkpoints_holds_nothing_up(project: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchlink.checkpoint.check.MOST_FILES", 2)
    lay(project, {f"runs/{number}.pt": PLAIN for number in range(4)})
    project.source("run.py", "import torch\ntorch.load('runs/3.pt')\n")
    report = project.report()
    assert [one.path for one in report.artifacts] == ["runs/3.pt", "runs/0.pt"]
    assert [one.artifact for one in report.undecided] == ["runs/1.pt", "runs/2.pt"]


OF_A_GPU = Path(__file__).parents[1] / "checkpoint" / "files" / "h100_torch_2.11.pt"
"""Model, optimizer and random states of three steps, saved by torch 2.11.0+cu130 on an H100."""
VERSION = "from typing import Optional\n__version__ = '2.9.0'\ncuda: Optional[str] = {}\nhip: Optional[str] = {}\n"


def of_devices(world: World) -> Found:
    """The torch that is installed here has no names: what the file needs of them is another matter."""
    return [one for one in found(world) if one[0] is not Kind.GLOBAL]


@pytest.mark.parametrize(
    ("cuda", "hip", "call", "fails"),
    [
        ("None", "None", "torch.load('run.pt', weights_only=True)", True),
        ("None", "None", "torch.load('run.pt', map_location='cpu')", False),
        ("'13.0'", "None", "torch.load('run.pt', weights_only=True)", False),
        ("None", "'6.4.43482'", "torch.load('run.pt', weights_only=True)", False),
    ],
)
def test_tensors_that_were_saved_on_a_gpu_and_a_torch_without(
    world: World, cuda: str, hip: str, call: str, fails: bool
) -> None:
    world.install("torch", "2.9.0", {**TORCH, "torch/version.py": VERSION.format(cuda, hip)})
    world.install("numpy", "2.1.0", {"numpy/__init__.py": ""})
    lay(world, {"run.pt": OF_A_GPU.read_bytes()})
    world.source("resume.py", f"import torch\nstate = {call}\n")
    assert of_devices(world) == ([(Kind.KERNEL, Severity.BREAK, "run.pt", ("resume.py:2",))] if fails else [])


def test_a_torch_that_does_not_say_what_it_was_built_for(project: World) -> None:
    lay(project, {"run.pt": OF_A_GPU.read_bytes()})
    project.source("resume.py", "import torch\nstate = torch.load('run.pt', weights_only=True)\n")
    assert of_devices(project) == []
