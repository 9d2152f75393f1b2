"""Checkpoints that need no torch to make."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from torchlink.checkpoint.torch_writer import StoragePlan, given, ordered, tensor_value, write_torch_zip
from torchlink.checkpoint.values import Pairs

Shapes = dict[str, tuple[int, ...]]


def _numel(shape: tuple[int, ...]) -> int:
    total = 1
    for extent in shape:
        total *= extent
    return total


def torch_file(path: Path, shapes: Shapes, **values: object) -> Path:
    """A checkpoint: these float32 tensors under ``model`` and plain values beside; without any, the tensors alone."""
    plans: list[StoragePlan] = []
    state = Pairs()
    for index, (name, shape) in enumerate(shapes.items()):
        data = struct.pack(f"<{_numel(shape)}f", *(float(number + index) for number in range(_numel(shape))))
        plans.append(given(str(index), data))
        state.extend((name, tensor_value(str(index), "float32", shape, len(data))))
    root: object = ordered(state)
    if values:
        root = Pairs(["model", root, *(item for pair in values.items() for item in pair)])
    write_torch_zip(path, root, plans, overwrite=True)
    return path


def safetensors_file(path: Path, shapes: Shapes) -> Path:
    """A safetensors file of float32 zeros."""
    header: dict[str, object] = {}
    position = 0
    for name, shape in shapes.items():
        size = 4 * _numel(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [position, position + size]}
        position += size
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(position))
    return path
