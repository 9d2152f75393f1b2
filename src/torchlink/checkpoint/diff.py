"""What differs between two state dicts: keys, shapes, dtypes, and the renaming that would make them fit."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.contents import Contents
from torchlink.checkpoint.extract import state_of
from torchlink.checkpoint.reader import read_contents
from torchlink.checkpoint.source import open_source
from torchlink.checkpoint.tensors import tensor_of
from torchlink.checkpoint.tree import leaves, tree
from torchlink.checkpoint.verify import read_index
from torchlink.model.errors import TorchlinkError

_PREFIXES = (
    "module.",
    "_orig_mod.",
    "model.",
    "model.model.",
    "state_dict.",
    "net.",
    "network.",
    "encoder.",
    "backbone.",
    "base_model.model.",
)
_COMING_AND_GOING = (
    "position_ids",
    "attn.bias",
    "masked_bias",
    "rotary_emb.inv_freq",
    "num_batches_tracked",
    "relative_position_index",
)
"""Buffers that models stopped to save, or began to: harmless on either side."""
_MOST_KEYS = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A tensor in a state dict; shape and dtype are empty where only its name is known."""

    shape: tuple[int, ...] | None = None
    dtype: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A tensor that both have, and that is not the same kind of thing."""

    name: str
    left: Entry
    right: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """Taking one prefix off, or putting one before, every name."""

    strip: str = ""
    add: str = ""
    matches: int
    """How many names fit after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """From the left state dict to the right."""

    missing: tuple[str, ...]
    """Only in the right: what a model of the right would miss in the left file."""
    unexpected: tuple[str, ...]
    """Only in the left."""
    shapes: tuple[Changed, ...]
    dtypes: tuple[Changed, ...]
    same: int
    harmless: tuple[str, ...]
    """Of the missing and the unexpected: buffers that come and go between releases."""
    renaming: Renaming | None
    """What would make the names of the left fit, where that helps."""

    @property
    def equal(self) -> bool:
        return not (self.missing or self.unexpected or self.shapes or self.dtypes)


def compare(left: dict[str, Entry], right: dict[str, Entry]) -> Difference:
    """Compare two state dicts."""
    renaming = _renaming(left, right)
    missing = tuple(name for name in right if name not in left)
    unexpected = tuple(name for name in left if name not in right)
    shapes: list[Changed] = []
    dtypes: list[Changed] = []
    both = [name for name in left if name in right]
    for name in both:
        mine, other = left[name], right[name]
        if mine.shape is not None and other.shape is not None and mine.shape != other.shape:
            shapes.append(Changed(name=name, left=mine, right=other))
        elif mine.dtype and other.dtype and mine.dtype != other.dtype:
            dtypes.append(Changed(name=name, left=mine, right=other))
    return Difference(
        missing=missing,
        unexpected=unexpected,
        shapes=tuple(shapes),
        dtypes=tuple(dtypes),
        same=len(both) - len(shapes) - len(dtypes),
        harmless=tuple(name for name in (*missing, *unexpected) if name.endswith(_COMING_AND_GOING)),
        renaming=renaming,
    )


def renamed(name: str, renaming: Renaming) -> str:
    """A name of the left after the renaming."""
    return renaming.add + (name.removeprefix(renaming.strip) if renaming.strip else name)


def _renaming(left: dict[str, Entry], right: dict[str, Entry]) -> Renaming | None:
    """The one prefix that makes the most names fit, where it makes more fit than there are now."""
    now = sum(name in right for name in left)
    best: Renaming | None = None
    for renaming in _candidates(left, right):
        matches = sum(renamed(name, renaming) in right for name in left)
        if matches > now and matches * 2 >= min(len(left), len(right)) and (best is None or matches > best.matches):
            best = Renaming(strip=renaming.strip, add=renaming.add, matches=matches)
    return best


def _candidates(left: dict[str, Entry], right: dict[str, Entry]) -> list[Renaming]:
    """The usual prefixes, and those that names of both sides suggest: what stands before a common ending."""
    found = [Renaming(strip=prefix, matches=0) for prefix in _PREFIXES] + [
        Renaming(add=prefix, matches=0) for prefix in _PREFIXES
    ]
    endings = {_ending(name): name for name in right}
    pairs: Counter[tuple[str, str]] = Counter()
    for name in list(left)[:2000]:
        other = endings.get(_ending(name))
        if other is not None and other != name:
            common = _common_end(name, other)
            pairs[name[: len(name) - common], other[: len(other) - common]] += 1
    found.extend(Renaming(strip=strip, add=add, matches=0) for (strip, add), _ in pairs.most_common(5))
    return found


def _ending(name: str) -> str:
    return ".".join(name.split(".")[-3:])


def _common_end(left: str, right: str) -> int:
    """Characters of the common ending, whole parts of the dotted names only."""
    mine, other = left.split("."), right.split(".")
    count = 0
    while count < min(len(mine), len(other)) and mine[-1 - count] == other[-1 - count]:
        count += 1
    return len(".".join(mine[len(mine) - count :])) if count else 0


def entries_of(place: str | Path, part: str = "") -> dict[str, Entry]:
    """The state dict in a file: a checkpoint, a sharded index, or a JSON or text list of keys.

    Raises:
        UnreadableError: It is none of these.
        TorchlinkError: It cannot be opened, or has no such part.
    """
    path = Path(place)
    if "://" not in str(place) and path.suffix in (".json", ".txt") and path.is_file():
        return _listed(path)
    source = open_source(place)
    try:
        return _entries(read_contents(source, Allowance()), part)
    finally:
        source.close()


def _entries(contents: Contents, part: str) -> dict[str, Entry]:
    if contents.tensors:
        return {leaf.name: _entry(leaf.node.tensor) for leaf in leaves(tree(contents))}
    _, pairs = state_of(contents, part)
    return {str(pairs[index]): _entry(tensor_of(pairs[index + 1])) for index in range(0, len(pairs) - 1, 2)}


def _entry(tensor: object) -> Entry:
    from torchlink.checkpoint.tensors import Tensor

    return Entry(shape=tensor.shape, dtype=tensor.dtype) if isinstance(tensor, Tensor) else Entry()


def _listed(path: Path) -> dict[str, Entry]:
    if path.stat().st_size > _MOST_KEYS:
        raise TorchlinkError("too large for a list of keys", where=str(path))
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".txt":
        return {line.strip(): Entry() for line in text.splitlines() if line.strip()}
    if path.name.endswith(".index.json"):
        return _sharded(path)
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TorchlinkError("no JSON", where=str(path)) from error
    if isinstance(document, list):
        return {str(name): Entry() for name in document}
    if isinstance(document, dict):
        return {str(name): _from_json(value) for name, value in document.items()}
    raise TorchlinkError("no list of keys", where=str(path), mend="give names, or names with their shapes")


def _from_json(value: object) -> Entry:
    """A shape, or ``{"shape": [...], "dtype": "float32"}``."""
    shape = value.get("shape") if isinstance(value, dict) else value
    dtype = value.get("dtype") if isinstance(value, dict) else ""
    extents = tuple(extent for extent in shape if isinstance(extent, int)) if isinstance(shape, list) else None
    return Entry(shape=extents, dtype=str(dtype or "").removeprefix("torch."))


def _sharded(index: Path) -> dict[str, Entry]:
    """The names of an index, with what the shards that are there say of them."""
    weight_map, _ = read_index(index)
    found: dict[str, Entry] = {name: Entry() for name in weight_map}
    for shard in sorted(set(weight_map.values())):
        path = index.parent / Path(shard).name
        if path.is_file():
            found.update((name, entry) for name, entry in entries_of(path).items() if name in found)
    return found
