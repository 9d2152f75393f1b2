"""A state dict out of a file that holds whole objects, without their classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.contents import Contents
from torchlink.checkpoint.modules import is_module, is_state_dict, state_pairs
from torchlink.checkpoint.objects import attributes, class_of, lookup, mapping
from torchlink.checkpoint.reader import read_contents
from torchlink.checkpoint.repair import refuse_unsafe, storages
from torchlink.checkpoint.rewrite import Rewriter
from torchlink.checkpoint.source import open_source
from torchlink.checkpoint.tensors import tensor_of
from torchlink.checkpoint.torch_writer import ordered, write_torch_zip
from torchlink.checkpoint.values import Call, Pairs
from torchlink.model.errors import TorchlinkError

_USUAL = (
    "state_dict",
    "model_state_dict",
    "ema",
    "model",
    "model_ema",
    "module",
    "net",
    "network",
    "generator",
    "params",
)
"""Keys under which programs keep a model, the likeliest first."""
WRAPPERS = ("module.", "_orig_mod.")
"""Prefixes that DataParallel and ``torch.compile`` put before every name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """What was written."""

    target: Path
    part: str
    """Where in the file it was found; empty for the file's own object."""
    label: str
    """The module's class, or ``state dict``."""
    names: tuple[str, ...]
    others: tuple[str, ...]
    """Other parts that could have been meant."""


def extract(
    place: str | Path, target: Path, *, part: str = "", strip: tuple[str, ...] = (), overwrite: bool = False
) -> Extracted:
    """Write the state dict of a module, or of a dictionary of tensors, to a file of its own.

    Args:
        place: The file, which is not loaded.
        target: A file for ``torch.load``.
        part: Dotted path of the module or dictionary; looked for under the usual keys where empty.
        strip: Prefixes to take off every name, as often as each is there.
        overwrite: Whether an existing file may be replaced.

    Raises:
        UnreadableError: The file is broken.
        TorchlinkError: It is dangerous, or there is no module and no state dict in it.
    """
    source = open_source(place)
    try:
        contents = read_contents(source, Allowance())
        refuse_unsafe(contents, str(place))
        found, others = _find(contents.root, part, str(place))
        where, value = found
        pairs = _renamed(_pairs(value), strip, str(place))
        _write(contents, pairs, target, overwrite)
        label = class_of(value) if type(value) is Call and is_module(value) else "state dict"
        names = tuple(name for name in pairs[::2] if type(name) is str)
        return Extracted(target=target, part=where, label=label, names=names, others=others)
    finally:
        source.close()


def _write(contents: Contents, pairs: Pairs, target: Path, overwrite: bool) -> None:
    rewriter = Rewriter(contents.streams[contents.main])
    root = rewriter.rewrite(pairs, "")
    if rewriter.refused or type(root) is not Pairs:
        raise TorchlinkError(f"cannot be made safe: {', '.join(rewriter.refused[:5])}", where=contents.source.name)
    order = contents.metadata.get("byteorder", "little")
    write_torch_zip(target, ordered(root), storages(contents, rewriter), byteorder=order, overwrite=overwrite)


def state_of(contents: Contents, part: str = "") -> tuple[str, Pairs]:
    """Where the model's state is in a file, and its pairs. Raises ``TorchlinkError`` where there is none."""
    (where, value), _ = _find(contents.root, part, contents.source.name)
    return where, _pairs(value)


def _pairs(value: object) -> Pairs:
    if type(value) is Call and is_module(value):
        return state_pairs(value)
    tensors = Pairs()
    pairs = mapping(value) or Pairs()
    for index in range(0, len(pairs) - 1, 2):
        if tensor_of(pairs[index + 1]) is not None:
            tensors.extend(pairs[index : index + 2])
    return tensors


def _find(root: object, part: str, where: str) -> tuple[tuple[str, object], tuple[str, ...]]:
    if part:
        value = _at(root, part, where)
        if not _usable(value):
            raise TorchlinkError(f"{part!r} is neither a module nor a dictionary of tensors", where=where)
        return (part, value), ()
    if _usable(root):
        return ("", root), ()
    candidates = _candidates(root)
    if not candidates:
        raise TorchlinkError("it holds no module and no dictionary of tensors", where=where)
    usual = sorted(candidates, key=lambda key: _USUAL.index(key) if key in _USUAL else len(_USUAL))
    first = usual[0]
    return (first, candidates[first]), tuple(usual[1:])


def _usable(value: object) -> bool:
    return is_module(value) or is_state_dict(value)


def _candidates(root: object) -> dict[str, object]:
    pairs = mapping(root)
    if pairs is None and type(root) is Call:
        pairs = attributes(root)
    found: dict[str, object] = {}
    for index in range(0, len(pairs or ()) - 1, 2):
        if pairs is not None and type(pairs[index]) is str and _usable(pairs[index + 1]):
            found[str(pairs[index])] = pairs[index + 1]
    return found


def _at(root: object, part: str, where: str) -> object:
    value = root
    for key in part.split("."):
        pairs = mapping(value)
        if pairs is None and type(value) is Call:
            pairs = attributes(value)
        value = lookup(pairs, key)
        if value is None:
            raise TorchlinkError(f"it has no part {part!r}", where=where)
    return value


def _renamed(pairs: Pairs, strip: tuple[str, ...], where: str) -> Pairs:
    made = Pairs()
    seen: set[str] = set()
    for index in range(0, len(pairs) - 1, 2):
        name = stripped(str(pairs[index]), strip)
        if name in seen:
            raise TorchlinkError(f"without its prefix, {name!r} would be there twice", where=where)
        seen.add(name)
        made.extend((name, pairs[index + 1]))
    return made


def stripped(name: str, prefixes: tuple[str, ...]) -> str:
    """A name without any of these prefixes."""
    again = True
    while again:
        again = False
        for prefix in prefixes:
            if prefix and name.startswith(prefix) and len(name) > len(prefix):
                name = name[len(prefix) :]
                again = True
    return name
