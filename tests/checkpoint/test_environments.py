"""Names and model folders against an environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checkpoint.ops import name, value, whole
from torchlink.checkpoint.inspect import inspect
from torchlink.checkpoint.installed import Found, Installed
from torchlink.checkpoint.model_folder import read_model_folder
from torchlink.checkpoint.weights_only import release_of
from torchlink.model.environment import Distribution, DistributionKind, Environment, Interpreter, PathEntry, PathOrigin


def _distribution(folder: Path, package: str, version: str) -> Distribution:
    return Distribution(
        name=package,
        version=version,
        kind=DistributionKind.DIST_INFO,
        metadata_path=str(folder / f"{package}-{version}.dist-info"),
        root=str(folder),
        top_level=(package,),
    )


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    site = tmp_path / "site-packages"
    (site / "torch" / "_C").mkdir(parents=True)
    (site / "torch" / "__init__.py").write_text("from ._utils import *\nclass Tensor: pass\n")
    (site / "torch" / "_utils.py").write_text("def _rebuild_tensor_v2(): pass\n")
    (site / "torch" / "_C" / "__init__.pyi").write_text("float32: dtype = ...\n")
    (site / "ultralytics" / "nn").mkdir(parents=True)
    (site / "ultralytics" / "__init__.py").write_text("")
    (site / "ultralytics" / "nn" / "__init__.py").write_text(
        "from .block import C2f as C2f\nfrom .missing import Gone\n"
    )
    (site / "ultralytics" / "nn" / "block.py").write_text("if True:\n    class C2f: pass\ndef __getattr__(name): ...\n")
    (site / "ultralytics" / "nn" / "tasks.py").write_text("class DetectionModel: pass\n")
    (site / "transformers" / "models" / "llama").mkdir(parents=True)
    (site / "transformers" / "__init__.py").write_text("")
    (site / "transformers" / "models" / "llama" / "modeling_llama.py").write_text(
        "class LlamaForCausalLM(Base):\n    pass\n"
    )
    return Environment(
        prefix=str(tmp_path),
        interpreter=Interpreter(
            executable="python",
            version="3.11.7",
            implementation="cpython",
            markers={},
            tags=(),
            extension_suffixes=(".so",),
            builtin_modules=frozenset({"builtins", "sys"}),
            stdlib=(),
            platform="linux_x86_64",
            libc="",
            executed=False,
        ),
        search_path=(PathEntry(path=str(site), origin=PathOrigin.SITE),),
        distributions=(
            _distribution(site, "torch", "2.6.0"),
            _distribution(site, "ultralytics", "8.1.0"),
            _distribution(site, "transformers", "4.46.3"),
        ),
    )


@pytest.mark.parametrize(
    ("module", "attribute", "found"),
    [
        ("torch", "Tensor", Found.EXISTS),
        ("torch", "_rebuild_tensor_v2", Found.EXISTS),
        ("torch._utils", "nothing", Found.NO_NAME),
        ("ultralytics.nn", "C2f", Found.EXISTS),
        ("ultralytics.nn", "Gone", Found.NO_MODULE),
        ("ultralytics.nn.block", "Other", Found.UNKNOWN),
        ("models.yolo", "Model", Found.NO_MODULE),
        ("builtins", "set", Found.EXISTS),
        ("builtins", "nothing", Found.NO_NAME),
    ],
)
def test_names(environment: Environment, module: str, attribute: str, found: Found) -> None:
    assert Installed(environment).resolve(module, attribute).found is found


def _inspected(environment: Environment, folder: Path, module: str, attribute: str) -> str:
    path = folder / "best.pt"
    path.write_bytes(
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}."
        + whole(name(module, attribute) + b")\x81")
        + whole(b"]")
    )
    _, load = inspect(path, environment)
    assert load is not None
    assert load.free.loads is False
    return " ".join(load.free.reasons)


def test_says_where_a_name_comes_from(environment: Environment, tmp_path: Path) -> None:
    assert "YOLOv5" in _inspected(environment, tmp_path, "models.yolo", "Model")
    assert "8.3.0 on; you have 8.1.0" in _inspected(environment, tmp_path, "ultralytics.nn.tasks", "C3k2")
    assert "the script itself" in _inspected(environment, tmp_path, "__main__", "Net")


def test_gives_the_code_that_loads_it(environment: Environment, tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    body = whole(name("ultralytics.nn.tasks", "DetectionModel") + b")\x81" + value({"a": 1}) + b"b")
    path.write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}." + body + whole(b"]"))
    _, load = inspect(path, environment)
    assert load is not None
    assert load.free.loads
    assert load.restricted.loads is False
    assert "from ultralytics.nn.tasks import DetectionModel" in load.code
    assert "torch.serialization.safe_globals" in load.code


def test_releases_of_torch() -> None:
    assert "builtins.set" not in release_of("2.5.1+cu124").allowed
    assert "builtins.set" in release_of("2.6.0").allowed
    assert "builtins.set" in release_of("2.99.0").allowed
    assert not release_of("2.5.1").default
    assert release_of("2.6.0").default
    assert not release_of("2.3.1").has_allow_list


def test_model_folder(environment: Environment, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    config = {
        "architectures": ["Qwen3ForCausalLM", "LlamaForCausalLM"],
        "model_type": "qwen3",
        "transformers_version": "4.51.0",
        "auto_map": {"AutoModel": "modeling_own.OwnModel"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    found = read_model_folder(folder, environment)
    reasons = " ".join(one.why for one in found.missing)
    assert "Qwen3ForCausalLM exists from transformers 4.51 on; you have 4.46.3" in reasons
    assert "LlamaForCausalLM" not in reasons
    assert "peft is not installed" in reasons
    assert found.remote_code == ("modeling_own.py",)
    assert found.writers == {"transformers": "4.51.0"}
