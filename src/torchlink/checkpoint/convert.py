"""From a pickle-based checkpoint to safetensors, as fast as the file can be copied, in little memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.containers.safetensors import DTYPES
from torchlink.checkpoint.contents import Contents, Extent
from torchlink.checkpoint.elements import gathered, read_extent, storage_extent, storage_start, swapped, unpacked
from torchlink.checkpoint.output import Output
from torchlink.checkpoint.plainvalues import plain_values
from torchlink.checkpoint.reader import read_contents
from torchlink.checkpoint.source import Source, open_source
from torchlink.checkpoint.tensors import ITEM_SIZE, Tensor
from torchlink.checkpoint.tree import Leaf, Node, NodeKind, leaves, tree
from torchlink.model.errors import TorchlinkError, UnreadableError

_NAMES = {torch: name for name, torch in DTYPES.items()}
_MOST_METADATA = 8 << 20
ALIASES, VALUES = "torchlink.tied", "torchlink.values"
"""Keys of ``__metadata__``: which tensor stands for which other, and what is no tensor, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One tensor of the output."""

    name: str
    tensor: Tensor
    extent: Extent

    @property
    def size(self) -> int:
        return self.tensor.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What was written."""

    files: tuple[Path, ...]
    tensors: int
    size: int
    """Bytes of tensors."""
    tied: dict[str, str]
    """Names that are not stored, and the name under which their tensor is."""
    copied: tuple[str, ...]
    """Tensors that shared memory with others in part, and have their own copy now."""
    left_out: tuple[str, ...]
    """What is neither tensor nor plain value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Selection:
    pieces: tuple[Piece, ...]
    tied: dict[str, str]
    copied: tuple[str, ...]


def to_safetensors(
    place: str | Path,
    target: Path,
    *,
    part: str = "",
    shard_size: int = 0,
    keep_tied: bool = True,
    overwrite: bool = False,
    allowance: Allowance | None = None,
) -> Converted:
    """Convert a checkpoint.

    Args:
        place: The file to read. It is not loaded: its tensors are copied from where they lie.
        target: The ``.safetensors`` file to write; with several shards, each gets its number into the name.
        part: Dotted path of the part to convert; the whole file where empty.
        shard_size: Most bytes of tensors in a file; 0 for a single file.
        keep_tied: Write tied tensors once and note the other names, rather than a copy under each name.
        overwrite: Whether an existing file may be replaced.

    Raises:
        UnreadableError: The file is broken.
        TorchlinkError: A tensor is of a dtype that safetensors does not have, or the target cannot be written.
    """
    source = open_source(place)
    try:
        contents = read_contents(source, allowance or Allowance())
        root = select(tree(contents), part, str(place))
        _refuse_objects(root, str(place))
        selection = _select(contents, tuple(leaves(root)), keep_tied)
        values, left_out = plain_values(root, contents)
        metadata = _metadata(selection.tied, values, contents)
        files = _write(contents, selection.pieces, target, metadata, shard_size, overwrite)
        return Converted(
            files=files,
            tensors=len(selection.pieces),
            size=sum(piece.size for piece in selection.pieces),
            tied=selection.tied,
            copied=selection.copied,
            left_out=left_out,
        )
    finally:
        source.close()


def select(root: Node, part: str, where: str) -> Node:
    """The node under a dotted path. Raises ``TorchlinkError`` where there is none."""
    node = root
    rest = part
    while rest:
        fitting = [child for child in node.children if rest == child.key or rest.startswith(f"{child.key}.")]
        if not fitting:
            keys = ", ".join(child.key for child in node.children[:12])
            raise TorchlinkError(f"it has no part {part!r}", where=where, mend=f"it has {keys}")
        node = max(fitting, key=lambda child: len(child.key))
        rest = rest[len(node.key) + 1 :]
    return node


def _select(contents: Contents, found: Sequence[Leaf], keep_tied: bool) -> _Selection:
    """The tensors to write: tied ones once, in the order that makes reading sequential and keeps them aligned."""
    if not found:
        raise TorchlinkError("it holds no tensors", where=contents.source.name)
    _refuse(contents, found)
    pieces: list[Piece] = []
    tied: dict[str, str] = {}
    first: dict[tuple[object, ...], str] = {}
    users: dict[str, int] = {}
    names: set[str] = set()
    for leaf in found:
        tensor = leaf.node.tensor
        if tensor is None:
            continue
        if leaf.name in names:
            raise TorchlinkError(f"two tensors would be called {leaf.name!r}", where=contents.source.name)
        names.add(leaf.name)
        identity = (tensor.storage.key, tensor.offset, tensor.shape, tensor.stride, tensor.dtype)
        if keep_tied and tensor.numel and identity in first:
            tied[leaf.name] = first[identity]
            continue
        first.setdefault(identity, leaf.name)
        users[tensor.storage.key] = users.get(tensor.storage.key, 0) + 1
        pieces.append(Piece(name=leaf.name, tensor=tensor, extent=_extent(contents, tensor)))
    copied = tuple(piece.name for piece in pieces if users[piece.tensor.storage.key] > 1)
    pieces.sort(key=lambda piece: (-ITEM_SIZE[piece.tensor.dtype], piece.extent.offset, piece.tensor.offset))
    return _Selection(pieces=tuple(pieces), tied=tied, copied=copied)


def _refuse_objects(root: Node, where: str) -> None:
    """Tensors inside objects have no names of their own: a state dict has to be extracted first."""
    pending: list[tuple[tuple[str, ...], Node]] = [((), root)]
    while pending:
        path, node = pending.pop()
        if node.kind is NodeKind.OBJECT and any(True for _ in leaves(node)):
            name = ".".join(path) or "it"
            if node.label.startswith("sparse tensor"):
                raise TorchlinkError(f"safetensors cannot hold {name} (a {node.label})", where=where)
            mend = "make a state dict of it first: torchlink checkpoint extract"
            raise TorchlinkError(f"{name} is an object of {node.label}", where=where, mend=mend)
        if node.kind in (NodeKind.MAPPING, NodeKind.SEQUENCE):
            pending.extend(((*path, child.key), child) for child in node.children)


def _extent(contents: Contents, tensor: Tensor) -> Extent:
    if not tensor.numel:
        return Extent(0, 0, 0, 0, False, 0)
    return storage_extent(contents, tensor)


def _refuse(contents: Contents, found: Sequence[Leaf]) -> None:
    """Name what the format cannot hold."""
    refused: list[str] = []
    for leaf in found:
        tensor = leaf.node.tensor
        if tensor is None:
            continue
        if tensor.storage.location == "meta":
            refused.append(f"{leaf.name} (on the meta device, without data)")
        elif tensor.dtype not in _NAMES:
            refused.append(f"{leaf.name} ({tensor.dtype})")
        elif tensor.conjugated:
            refused.append(f"{leaf.name} (a conjugated or negated view)")
    if refused:
        more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
        raise TorchlinkError(f"safetensors cannot hold {', '.join(refused[:5])}{more}", where=contents.source.name)


def _metadata(tied: dict[str, str], values: dict[str, object], contents: Contents) -> dict[str, str]:
    metadata = {key: value for key, value in contents.metadata.items() if contents.tensors}
    metadata.setdefault("format", "pt")
    # As safetensors' own save_model notes them: each name that is left out, with the name that is kept.
    metadata.update(tied)
    if values:
        text = json.dumps(values, separators=(",", ":"))
        if len(text) <= _MOST_METADATA:
            metadata[VALUES] = text
    return metadata


def _write(
    contents: Contents,
    pieces: tuple[Piece, ...],
    target: Path,
    metadata: dict[str, str],
    shard_size: int,
    overwrite: bool,
) -> tuple[Path, ...]:
    shards = _shards(pieces, shard_size)
    if len(shards) == 1:
        _write_file(contents, pieces, target, metadata, overwrite)
        return (target,)
    names = [
        target.with_name(f"{target.stem}-{number:05d}-of-{len(shards):05d}.safetensors")
        for number in range(1, len(shards) + 1)
    ]
    for shard, name in zip(shards, names, strict=True):
        _write_file(contents, shard, name, metadata, overwrite)
    index = target.with_name(f"{target.stem}.safetensors.index.json")
    weight_map = {piece.name: name.name for shard, name in zip(shards, names, strict=True) for piece in shard}
    total = {"total_size": sum(piece.size for piece in pieces)}
    with Output(index, replace=overwrite) as output:
        output.write(json.dumps({"metadata": total, "weight_map": dict(sorted(weight_map.items()))}, indent=2).encode())
    return (*names, index)


def _shards(pieces: tuple[Piece, ...], most: int) -> list[tuple[Piece, ...]]:
    if not most:
        return [pieces]
    shards: list[list[Piece]] = [[]]
    room = most
    for piece in pieces:
        if piece.size > room and shards[-1]:
            shards.append([])
            room = most
        shards[-1].append(piece)
        room -= piece.size
    return [tuple(shard) for shard in shards]


def _write_file(
    contents: Contents, pieces: tuple[Piece, ...], target: Path, metadata: dict[str, str], overwrite: bool
) -> None:
    header: dict[str, object] = {"__metadata__": metadata}
    position = 0
    for piece in pieces:
        header[piece.name] = {
            "dtype": _NAMES[piece.tensor.dtype],
            "shape": list(piece.tensor.shape),
            "data_offsets": [position, position + piece.size],
        }
        position += piece.size
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    text += b" " * (-len(text) % 8)
    with Output(target, replace=overwrite) as output:
        output.write(len(text).to_bytes(8, "little") + text)
        for piece in pieces:
            write_elements(output, contents, piece.tensor, piece.extent)
        if output.position != 8 + len(text) + position:
            raise UnreadableError("a tensor's bytes are fewer than it says", where=contents.source.name)


def write_elements(output: Output, contents: Contents, tensor: Tensor, extent: Extent) -> None:
    """Append a tensor's elements, in order and little-endian."""
    source: Source = contents.source
    if not tensor.numel:
        return
    item = ITEM_SIZE[tensor.dtype]
    big = contents.metadata.get("byteorder") == "big"
    begin = storage_start(source, extent)
    if tensor.contiguous and not big and extent.method == 0:
        output.copy(source, begin + tensor.offset * item, tensor.size)
        return
    if tensor.contiguous and not big and tensor.offset == 0 and tensor.size == extent.size:
        for piece in unpacked(source, begin, extent):
            output.write(piece)
        return
    data = _storage_view(source, extent, begin)
    for run in gathered(data, tensor):
        output.write(swapped(run, tensor.dtype) if big else run)


def _storage_view(source: Source, extent: Extent, begin: int) -> memoryview:
    """A storage as a buffer: mapped where it lies unpacked in a large local file."""
    import mmap

    from torchlink.checkpoint.source import WHOLE_LIMIT, LocalFile

    if extent.method == 0 and extent.size > WHOLE_LIMIT // 2 and isinstance(source, LocalFile):
        start = begin - begin % mmap.ALLOCATIONGRANULARITY
        mapped = mmap.mmap(source.descriptor, begin - start + extent.size, access=mmap.ACCESS_READ, offset=start)
        return memoryview(mapped)[begin - start :]
    return memoryview(read_extent(source, extent))
