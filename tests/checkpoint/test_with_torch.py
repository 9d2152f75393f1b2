"""What torch itself says: clean files are clean, conversions are exact, repaired files load."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("numpy")

import numpy as np
import torch

from tests.checkpoint import samples
from torchlink.checkpoint.convert import to_safetensors
from torchlink.checkpoint.extract import extract
from torchlink.checkpoint.inspect import inspect
from torchlink.checkpoint.judge import Safety
from torchlink.checkpoint.repair import repair
from torchlink.checkpoint.scan import scan
from torchlink.checkpoint.to_torch import to_torch
from torchlink.checkpoint.verify import verify
from torchlink.model.errors import TorchlinkError

warnings.filterwarnings("ignore")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    samples.save(folder)
    return folder


KINDS = sorted(samples.samples())


def _file(saved: Path, kind: str) -> Path:
    path = saved / f"{kind}.pt"
    if not path.exists():
        pytest.skip("this torch cannot save it")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_is_clean(saved: Path, kind: str) -> None:
    scanned = scan(_file(saved, kind))
    assert scanned.judgement.safety is Safety.CLEAN, scanned.judgement.reasons


def test_other_files_are_clean(saved: Path) -> None:
    for name in ("bare.pkl", "a.npy", "objects.npy", "a.npz"):
        assert scan(saved / name).judgement.safety is Safety.CLEAN, name


def flat(value: object, path: tuple[str, ...] = ()) -> dict[str, torch.Tensor]:
    """All tensors by dotted path."""
    if isinstance(value, torch.Tensor):
        return {".".join(path) or "tensor": value}
    found: dict[str, torch.Tensor] = {}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, item in items:
        found.update(flat(item, (*path, str(key))))
    return found


def same_bytes(left: torch.Tensor, right: torch.Tensor) -> bool:
    def raw(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.detach().contiguous().reshape(-1).view(torch.uint8)

    return bool(left.dtype == right.dtype and left.shape == right.shape and torch.equal(raw(left), raw(right)))


CONVERTIBLE = ["state", "state.legacy", "training", "optimizers", "shared", "empty", "scalar", "parameter"]
CONVERTIBLE += [f"dtype_{name}" for name in samples.DTYPES if name not in ("complex128", "float8_e8m0fnu")]
CONVERTIBLE += ["state.protocol2", "state.protocol5"]


@pytest.mark.parametrize("kind", CONVERTIBLE)
@pytest.mark.parametrize("tied", [True, False])
def test_converts_to_the_same_bytes(saved: Path, kind: str, tied: bool, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    original = flat(torch.load(_file(saved, kind), weights_only=False))
    done = to_safetensors(saved / f"{kind}.pt", tmp_path / "a.safetensors", keep_tied=tied)
    loaded = dict(safetensors.load_file(tmp_path / "a.safetensors"))
    loaded.update((name, loaded[kept]) for name, kept in done.tied.items())
    assert set(loaded) == set(original)
    assert all(same_bytes(loaded[name], original[name]) for name in original)
    to_torch(tmp_path / "a.safetensors", tmp_path / "back.pt")
    back = torch.load(tmp_path / "back.pt", weights_only=True)
    assert all(same_bytes(back[name], original[name]) for name in original)
    assert not verify(tmp_path / "back.pt").problems


def test_shards(saved: Path, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    done = to_safetensors(saved / "state.pt", tmp_path / "model.safetensors", shard_size=200)
    assert len(done.files) > 2
    assert done.files[-1].name == "model.safetensors.index.json"
    loaded: dict[str, torch.Tensor] = {}
    for file in done.files[:-1]:
        loaded.update(safetensors.load_file(file))
    original = torch.load(saved / "state.pt", weights_only=True)
    assert set(loaded) == set(original)
    assert all(same_bytes(loaded[name], original[name]) for name in original)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("quantised", "qint8"),
        ("sparse", "sparse"),
        ("dtype_complex128", "complex128"),
        ("module", "extract"),
        ("conjugated", "conjugated"),
    ],
)
def test_refuses_by_name_what_safetensors_cannot_hold(saved: Path, kind: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(TorchlinkError, match=word):
        to_safetensors(saved / f"{kind}.pt", tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


REPAIRABLE = [kind for kind in KINDS if kind not in ("optimizer_object",)]


@pytest.mark.parametrize("kind", REPAIRABLE)
def test_repaired_files_load_without_an_allow_list(saved: Path, kind: str, tmp_path: Path) -> None:
    original = _file(saved, kind)
    before = original.read_bytes()
    repair(original, tmp_path / "a.pt")
    loaded = torch.load(tmp_path / "a.pt", weights_only=True)
    assert original.read_bytes() == before
    assert equal(torch.load(original, weights_only=False), loaded)
    assert scan(tmp_path / "a.pt").judgement.safety is Safety.CLEAN
    assert not verify(tmp_path / "a.pt").problems


def equal(left: object, right: object) -> bool:
    """Whether two values hold the same, whatever type the repair has made of them."""
    if isinstance(left, torch.nn.Module):
        left = left.state_dict()
    if isinstance(left, torch.Tensor):
        return isinstance(right, torch.Tensor) and _same_tensor(left, right)
    if isinstance(left, np.ndarray):
        if isinstance(right, torch.Tensor):
            return bool(np.array_equal(left, right.numpy()))
        return bool(left.tolist() == (list(right) if isinstance(right, (list, tuple)) else right))
    if isinstance(left, np.generic):
        return bool(left.item() == right)
    if isinstance(left, dict):
        return isinstance(right, dict) and all(equal(*pair) for pair in zip(left.values(), right.values(), strict=True))
    if isinstance(left, (list, tuple)):
        return isinstance(right, (list, tuple)) and all(equal(*pair) for pair in zip(left, right, strict=True))
    if isinstance(left, (int, float, str)) or left is None:
        return left == right
    return right is not None


def _same_tensor(left: torch.Tensor, right: torch.Tensor) -> bool:
    if left.is_nested or left.is_quantized or left.is_meta or left.layout is not torch.strided:
        return bool(type(left) is type(right) or left.layout == right.layout)
    return same_bytes(left.resolve_conj(), right.resolve_conj())


def test_random_state_is_restored(saved: Path, tmp_path: Path) -> None:
    for kind in ("numpy_rng", "numpy_rng_dict"):
        repair(saved / f"{kind}.pt", tmp_path / f"{kind}.pt")
        original = torch.load(saved / f"{kind}.pt", weights_only=False)["rng"]
        state = torch.load(tmp_path / f"{kind}.pt", weights_only=True)["rng"]
        np.random.set_state(original)
        expected = np.random.rand(3)
        np.random.set_state(state)
        assert np.array_equal(np.random.rand(3), expected)
    repair(saved / "numpy_generator.pt", tmp_path / "generator.pt")
    generator = np.random.default_rng()
    generator.bit_generator.state = torch.load(tmp_path / "generator.pt", weights_only=True)["rng"]
    assert generator.random() == torch.load(saved / "numpy_generator.pt", weights_only=False)["rng"].random()


@pytest.mark.parametrize("kind", ["module", "module.legacy", "transformer", "lstm", "attention", "convolution"])
def test_extracts_what_state_dict_returns(saved: Path, kind: str, tmp_path: Path) -> None:
    extract(saved / f"{kind}.pt", tmp_path / "a.pt")
    expected = torch.load(saved / f"{kind}.pt", weights_only=False).state_dict()
    loaded = torch.load(tmp_path / "a.pt", weights_only=True)
    assert list(loaded) == list(expected)
    assert all(same_bytes(loaded[name], expected[name]) for name in expected)


class Detector(torch.nn.Module):
    """A class that the reader does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = samples.model()
        self.register_buffer("hidden", torch.ones(3), persistent=False)
        self.settings = {"a": 1}


def test_extracts_from_classes_that_are_not_here(tmp_path: Path) -> None:
    wrapped = torch.nn.DataParallel(Detector())
    torch.save({"model": wrapped, "epoch": 3}, tmp_path / "whole.pt")
    assert scan(tmp_path / "whole.pt").judgement.safety is Safety.UNKNOWN_GLOBAL
    done = extract(tmp_path / "whole.pt", tmp_path / "a.pt", strip=("module.",))
    assert done.part == "model"
    loaded = torch.load(tmp_path / "a.pt", weights_only=True)
    expected = wrapped.module.state_dict()
    assert list(loaded) == list(expected)
    assert all(same_bytes(loaded[name], expected[name]) for name in expected)


@pytest.mark.parametrize("kind", ["state", "training", "module", "shared", "arrays"])
def test_inspection_agrees_with_torch(saved: Path, kind: str) -> None:
    found, _ = inspect(saved / f"{kind}.pt")
    if kind in ("module", "arrays"):
        return
    expected = flat(torch.load(saved / f"{kind}.pt", weights_only=False))
    shown = {leaf.name: leaf.node.tensor for leaf in found.tensors}
    assert set(shown) == set(expected)
    for name, tensor in expected.items():
        described = shown[name]
        assert described is not None
        assert described.shape == tuple(tensor.shape)
        assert f"torch.{described.dtype}" == str(tensor.dtype)
        assert described.stride == tensor.stride()


@pytest.mark.parametrize("kind", KINDS)
def test_loadability_of_this_environment(saved: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Predicted against really loading, with the code that is given too."""
    import sys

    from torchlink.read.environment import read_environment

    environment, _ = read_environment(Path(sys.executable), os.environ)
    _, load = inspect(_file(saved, kind), environment)
    assert load is not None
    for weights_only, outcome in ((True, load.restricted), (False, load.free)):
        try:
            torch.load(saved / f"{kind}.pt", weights_only=weights_only)
            loads = True
        except Exception:  # noqa: BLE001 - whatever it is, it does not load
            loads = False
        assert outcome.loads in (loads, None), outcome.reasons
    if load.code:
        monkeypatch.chdir(saved)
        exec(load.code, {})  # noqa: S102 - that is the promise
