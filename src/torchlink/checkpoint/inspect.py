"""What is in a checkpoint, in words and numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.contents import Contents, Format
from torchlink.checkpoint.installed import Installed
from torchlink.checkpoint.judge import Judgement, judge
from torchlink.checkpoint.loadability import Loadability, loadability
from torchlink.checkpoint.reader import read_contents
from torchlink.checkpoint.rules import torch_classes
from torchlink.checkpoint.source import open_source
from torchlink.checkpoint.tree import Leaf, Node, NodeKind, leaves, tree
from torchlink.model.environment import Environment
from torchlink.model.errors import TorchlinkError

_CPU_RNG = 5056
"""Bytes of torch's CPU generator state (``CPUGeneratorImplState``)."""
_STEP_KEYS = ("epoch", "step", "global_step", "iteration", "iter", "current_epoch")
_LOSS_KEYS = (
    "loss",
    "val_loss",
    "valid_loss",
    "best_loss",
    "train_loss",
    "best_fitness",
    "best",
    "best_metric",
    "metric",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What one file holds."""

    path: str
    format: str
    size: int
    judgement: Judgement
    root: Node
    tensors: tuple[Leaf, ...]
    parts: dict[str, str]
    """Optimizer, scheduler, random state and the like, by the key that they stand under."""
    progress: dict[str, object]
    """Epoch, step and losses."""
    writer: dict[str, str]
    """What the file shows of the releases that wrote it."""
    classes: tuple[str, ...]
    """Names beyond those that plain tensors need."""
    shared: tuple[tuple[str, ...], ...]
    """Tensors that share a storage."""
    notes: tuple[str, ...]
    metadata: dict[str, str]

    @property
    def elements(self) -> int:
        """Elements of all tensors; those of tied ones count once."""
        counted: set[tuple[str, int, tuple[int, ...]]] = set()
        total = 0
        for leaf in self.tensors:
            tensor = leaf.node.tensor
            if tensor is not None and (tensor.storage.key, tensor.offset, tensor.shape) not in counted:
                counted.add((tensor.storage.key, tensor.offset, tensor.shape))
                total += tensor.numel
        return total

    @property
    def tensor_bytes(self) -> int:
        """Bytes of all storages, each once."""
        sizes = {
            leaf.node.tensor.storage.key: leaf.node.tensor.storage.size for leaf in self.tensors if leaf.node.tensor
        }
        return sum(sizes.values())


def inspect(
    place: str | Path,
    environment: Environment | None = None,
    allowance: Allowance | None = None,
    installed: Installed | None = None,
) -> tuple[Inspection, Loadability | None]:
    """Look into one file or address, and say whether it loads in an environment.

    ``installed`` is handed on from file to file: it remembers which modules it has read.

    Raises ``UnreadableError`` where it is no checkpoint, and ``TorchlinkError`` where it cannot be opened.
    """
    allowance = allowance or Allowance()
    source = open_source(place)
    try:
        contents = read_contents(source, allowance)
        judgement = judge(contents, allowance)
        load = loadability(contents, judgement, environment, installed) if environment is not None else None
        return describe(contents, judgement, str(place), source.size), load
    finally:
        source.close()


def environment_at(python: Path | None) -> Environment | None:
    """The environment that is asked about: the one given, else the active one, else none.

    Raises ``TorchlinkError`` where ``python`` is given and is none.
    """
    import os

    from torchlink.read.environment import find, read_environment

    try:
        target = find(None, python, os.environ)
    except TorchlinkError:
        if python is not None:
            raise
        return None
    return read_environment(target, os.environ)[0]


def describe(contents: Contents, judgement: Judgement, path: str, size: int) -> Inspection:
    """Describe contents that have been read."""
    root = tree(contents)
    tensors = tuple(leaves(root))
    return Inspection(
        path=path,
        format=contents.format.value,
        size=size,
        judgement=judgement,
        root=root,
        tensors=tensors,
        parts=_parts(root),
        progress=progress_of(root),
        writer=_writer(contents, judgement.globals),
        classes=_classes(judgement.globals),
        shared=_shared(tensors),
        notes=(*contents.notes, *(problem.detail for problem in contents.problems)),
        metadata=dict(contents.metadata),
    )


def _parts(root: Node) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in (root, *root.children, *(inner for child in root.children for inner in child.children[:50])):
        part = _part(node)
        if part and part not in found.values():
            found[node.key or "."] = part
    return found


def _part(node: Node) -> str:
    keys = {child.key for child in node.children}
    if {"state", "param_groups"} <= keys:
        return f"optimizer state{_optimizer_kind(node)}"
    if "last_epoch" in keys and ("_step_count" in keys or "base_lrs" in keys):
        return "learning-rate scheduler state"
    if {"scale", "growth_factor"} <= keys:
        return "gradient scaler state"
    tensor = node.tensor
    if tensor is not None and tensor.dtype == "uint8" and len(tensor.shape) == 1:
        if tensor.shape[0] == _CPU_RNG:
            return "torch CPU random state"
        if tensor.shape[0] in (16, 824) and "rng" in node.key.lower():
            return "torch GPU random state"
    if node.kind is NodeKind.SEQUENCE and node.children and node.children[0].value == "MT19937":
        return "NumPy random state"
    if "bit_generator" in keys and "state" in keys:
        return "NumPy random state"
    if node.kind is NodeKind.SEQUENCE and len(node.children) == 3 and len(node.children[1].children) == 625:
        return "Python random state"
    if node.kind is NodeKind.MAPPING and len(node.children) > 1 and all(child.tensor for child in node.children):
        return "state dict"
    if node.kind is NodeKind.OBJECT and "_modules" in keys:
        return f"whole module {node.label}"
    return ""


def _optimizer_kind(node: Node) -> str:
    states = next((child for child in node.children if child.key == "state"), None)
    first = states.children[0] if states and states.children else None
    keys = {child.key for child in first.children} if first else set()
    if {"exp_avg", "exp_avg_sq"} <= keys:
        return " (Adam family)"
    if "momentum_buffer" in keys:
        return " (SGD with momentum)"
    if "square_avg" in keys:
        return " (RMSprop family)"
    return ""


def progress_of(root: Node) -> dict[str, object]:
    """Epoch, step and losses, from the two uppermost levels."""
    found: dict[str, object] = {}
    for node in (*root.children, *(inner for child in root.children for inner in child.children)):
        name = node.key.lower()
        number = type(node.value) in (int, float)
        if number and (name in _STEP_KEYS or name in _LOSS_KEYS or name.endswith("loss")) and node.key not in found:
            found[node.key] = node.value
    return found


def _writer(contents: Contents, names: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    meta = contents.metadata
    if contents.format is Format.TORCH_ZIP:
        if ".format_version" in meta:
            found["torch"] = "later than 2.6"
        elif "byteorder" in meta:
            found["torch"] = "2.1 to 2.6"
        else:
            found["torch"] = "1.6 to 2.0"
    elif contents.format in (Format.TORCH_LEGACY, Format.TORCH_TAR):
        found["torch"] = (
            "before 1.6, or asked for the old format" if contents.format is Format.TORCH_LEGACY else "before 0.4"
        )
    if any(name.startswith("numpy._core.") for name in names):
        found["numpy"] = "2"
    elif any(name.startswith("numpy.core.") for name in names):
        found["numpy"] = "1"
    if any(name.startswith("pathlib._local.") for name in names):
        found["python"] = "3.13"
    if meta.get("byteorder") == "big":
        found["byte order"] = "big"
    return found


def _classes(names: tuple[str, ...]) -> tuple[str, ...]:
    known = torch_classes()
    plain = (
        "torch._utils.",
        "torch.storage.",
        "collections.",
        "builtins.",
        "numpy.",
        "_codecs.",
        "torch.serialization.",
    )
    return tuple(
        name
        for name in names
        if name in known or not (name.startswith(plain) or (name.startswith("torch.") and name.count(".") == 1))
    )


def _shared(tensors: tuple[Leaf, ...]) -> tuple[tuple[str, ...], ...]:
    names: dict[str, list[str]] = {}
    for leaf in tensors:
        if leaf.node.tensor is not None:
            names.setdefault(leaf.node.tensor.storage.key, []).append(leaf.name)
    return tuple(tuple(group) for group in names.values() if len(group) > 1)


def content(inspection: Inspection) -> dict[str, object]:
    """What is in the file, for the report's ``artifacts``."""
    return {
        "format": inspection.format,
        "bytes": inspection.size,
        "written_by": inspection.writer,
        "parameters": inspection.elements,
        "tensors": len(inspection.tensors),
        "tensor_bytes": inspection.tensor_bytes,
        "dtypes": dict(Counter(leaf.node.tensor.dtype for leaf in inspection.tensors if leaf.node.tensor)),
        "devices": sorted({leaf.node.tensor.storage.location for leaf in inspection.tensors if leaf.node.tensor}),
        "parts": inspection.parts,
        "progress": inspection.progress,
        "classes": list(inspection.classes),
        "globals": list(inspection.judgement.globals),
        "shared": [list(group) for group in inspection.shared],
        "metadata": inspection.metadata,
        "notes": list(inspection.notes),
        "reasons": [reason.detail for reason in inspection.judgement.reasons],
        "state": [_tensor_row(leaf) for leaf in inspection.tensors],
        "tree": as_value(inspection.root),
    }


def _tensor_row(leaf: Leaf) -> dict[str, object]:
    tensor = leaf.node.tensor
    if tensor is None:
        return {"name": leaf.name}
    row: dict[str, object] = {
        "name": leaf.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "device": tensor.storage.location,
        "bytes": tensor.size,
        "storage": tensor.storage.key,
    }
    if tensor.parameter:
        row["parameter"] = True
    if not tensor.contiguous:
        row["stride"] = list(tensor.stride)
    return row


def as_value(node: Node) -> object:
    """A node as plain values, for JSON: mappings by key, tensors and objects in one line."""
    if node.kind is NodeKind.VALUE:
        return node.label or node.value
    if node.kind is NodeKind.MAPPING:
        return {child.key: as_value(child) for child in node.children}
    if node.kind is NodeKind.SEQUENCE:
        return [as_value(child) for child in node.children]
    if node.kind is NodeKind.OBJECT and node.children:
        return {"class": node.label, "attributes": {child.key: as_value(child) for child in node.children}}
    return headline(node)


def headline(node: Node) -> str:
    """A node in a few words."""
    if node.tensor is not None:
        shape = "×".join(map(str, node.tensor.shape)) or "scalar"
        extra = f" on {node.tensor.storage.location}" if node.tensor.storage.location != "cpu" else ""
        return f"{'parameter' if node.tensor.parameter else 'tensor'} {shape} {node.tensor.dtype}{extra}"
    if node.array is not None:
        shape = "×".join(map(str, node.array.shape)) or "scalar"
        kind = "scalar" if node.array.scalar else f"array {shape}"
        return f"NumPy {kind} {node.array.code.lstrip('<|=') or 'structured'}"
    if node.kind is NodeKind.VALUE:
        return node.label or repr(node.value)
    if node.kind in (NodeKind.MAPPING, NodeKind.SEQUENCE):
        return f"{node.label} of {len(node.children):,}"
    if node.kind is NodeKind.AGAIN:
        return "the same as above"
    return node.label or "not shown"
