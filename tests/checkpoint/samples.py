"""Checkpoints of many kinds, saved by a real torch: ``python samples.py FOLDER``. Works under torch 2.0 and later.

It stands alone, so that environments with other releases of torch can run it.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import pathlib
import pickle
import random
import sys
import warnings

import numpy as np
import torch

DTYPES = (
    *("float16", "bfloat16", "float64", "int8", "uint8", "bool", "complex64", "complex128", "int16", "int32"),
    *("uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu"),
)


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Linear(8, 2))


def training() -> dict[str, object]:
    net = model()
    optimizer = torch.optim.AdamW(net.parameters())
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    net(torch.randn(3, 4)).sum().backward()
    optimizer.step()
    scheduler.step()
    return {
        "model": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "epoch": 3,
        "loss": 0.5,
        "torch_rng": torch.get_rng_state(),
        "python_rng": random.getstate(),
    }


def optimizers() -> dict[str, object]:
    found: dict[str, object] = {}
    for name, arguments in (("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adam", {"amsgrad": True}), ("RMSprop", {})):
        net = model()
        net(torch.randn(3, 4)).sum().backward()
        optimizer = getattr(torch.optim, name)(net.parameters(), **arguments)
        optimizer.step()
        found[name] = optimizer.state_dict()
    return found


def arrays() -> dict[str, object]:
    return {
        "int": np.arange(10),
        "float": np.ones((3, 4), np.float32),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.ones(100_000),
        "bool": np.array([True, False]),
        "text": np.array(["a", "bc"]),
        "objects": np.array([1, "x", None], dtype=object),
        "complex": np.ones(3, np.complex64),
        "small": np.arange(3, dtype=np.uint16),
        "big endian": np.arange(3, dtype=">i4"),
    }


def plain() -> dict[str, object]:
    return {
        "int": 1,
        "big": 10**30,
        "list": [1, 2, (3,)],
        "none": None,
        "text": "x",
        "bytes": b"ab",
        "set": {1, 2},
        "complex": 1j,
    }


def library() -> dict[str, object]:
    return {
        "counter": collections.Counter("aab"),
        "default": collections.defaultdict(list, {1: [2]}),
        "deque": collections.deque([1]),
        "path": pathlib.Path("/data/x"),
        "time": datetime.datetime(2024, 5, 6, 7, 8, 9),
        "duration": datetime.timedelta(hours=1),
        "namespace": argparse.Namespace(lr=0.1, layers=[1, 2]),
        "size": torch.Size([1, 2]),
        "device": torch.device("cpu"),
        "dtype": torch.float32,
        "bytearray": bytearray(b"x"),
    }


def shared() -> dict[str, torch.Tensor]:
    weight = torch.randn(6, 6)
    return {
        "a": weight,
        "tied": weight,
        "rows": weight[1:4],
        "turned": weight.t(),
        "steps": weight[::2, 1::2],
        "wide": weight[0:1].expand(3, 6),
    }


def sparse() -> dict[str, torch.Tensor]:
    return {"coo": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr()}


def quantised() -> dict[str, torch.Tensor]:
    return {
        "tensor": torch.quantize_per_tensor(torch.randn(4), 0.1, 0, torch.qint8),
        "channel": torch.quantize_per_channel(
            torch.randn(2, 3), torch.tensor([0.1, 0.2]), torch.tensor([0, 0]), 0, torch.quint8
        ),
    }


def samples() -> dict[str, object]:
    """Every kind by name; a name's suffix ``.legacy`` or ``.protocolN`` says how it is saved."""
    found: dict[str, object] = {
        "state": model().state_dict(),
        "state.legacy": model().state_dict(),
        "training": training(),
        "optimizers": optimizers(),
        "numpy_rng": {"rng": np.random.get_state()},
        "numpy_rng_dict": {"rng": np.random.get_state(legacy=False)},
        "numpy_generator_state": {"rng": np.random.default_rng(0).bit_generator.state},
        "numpy_generator": {"rng": np.random.default_rng(0)},
        "numpy_scalars": {"loss": np.float64(0.5), "step": np.int64(3), "flag": np.bool_(True)},
        "arrays": arrays(),
        "plain": plain(),
        "library": library(),
        "shared": shared(),
        "sparse": sparse(),
        "quantised": quantised(),
        "meta": {"t": torch.empty(3, 3, device="meta")},
        "empty": {"t": torch.empty(0), "z": torch.empty(0, 3)},
        "parameter": torch.nn.Parameter(torch.randn(3)),
        "scalar": torch.tensor(3.0),
        "conjugated": {"t": torch.randn(3, dtype=torch.complex64).conj()},
        "module": model(),
        "module.legacy": model(),
        "transformer": torch.nn.TransformerEncoderLayer(8, 2),
        "lstm": torch.nn.LSTM(4, 4),
        "attention": torch.nn.MultiheadAttention(8, 2),
        "convolution": torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.MaxPool2d(2), torch.nn.Flatten()),
        "optimizer_object": torch.optim.AdamW(model().parameters()),
        "nested": torch.nested.nested_tensor([torch.randn(2, 3), torch.randn(3, 3)]),
    }
    for protocol in (1, 2, 3, 4, 5):
        found[f"state.protocol{protocol}"] = {"model": model().state_dict(), "array": np.arange(3), "bytes": b"abc"}
    for name in DTYPES:
        dtype = getattr(torch, name, None)
        if dtype is not None:
            found[f"dtype_{name}"] = {"t": torch.zeros(4).to(dtype), "dtype": dtype}
    return found


def save(folder: pathlib.Path) -> list[pathlib.Path]:
    """Save all that this torch can save, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[pathlib.Path] = []
    for name, value in samples().items():
        path = folder / f"{name}.pt"
        _, _, how = name.partition(".")
        protocol = int(how[-1]) if how.startswith("protocol") else 2
        try:
            torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=how != "legacy")
            written.append(path)
        except (RuntimeError, KeyError, TypeError, AttributeError):
            path.unlink(missing_ok=True)
    return written + _others(folder)


def _others(folder: pathlib.Path) -> list[pathlib.Path]:
    with (folder / "bare.pkl").open("wb") as file:
        pickle.dump({"t": torch.randn(3), "a": np.arange(300_000)}, file, protocol=5)
    np.save(folder / "a.npy", np.ones((3, 4)))
    np.save(folder / "objects.npy", np.array([1, "x"], dtype=object), allow_pickle=True)
    np.savez_compressed(folder / "a.npz", a=np.ones(3), b=np.arange(4))
    return [folder / name for name in ("bare.pkl", "a.npy", "objects.npy", "a.npz")]


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    save(pathlib.Path(sys.argv[1]))
