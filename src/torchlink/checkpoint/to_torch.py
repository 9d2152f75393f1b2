"""From safetensors to a file that ``torch.load`` reads, with ``weights_only`` too."""

from __future__ import annotations

import json
from pathlib import Path

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.contents import Contents, Format
from torchlink.checkpoint.convert import VALUES, Converted
from torchlink.checkpoint.reader import read_contents
from torchlink.checkpoint.source import open_source
from torchlink.checkpoint.tensors import ITEM_SIZE
from torchlink.checkpoint.torch_writer import copied, ordered, tensor_value, write_torch_zip
from torchlink.checkpoint.values import Call, Pairs
from torchlink.model.errors import TorchlinkError


def to_torch(place: str | Path, target: Path, *, overwrite: bool = False) -> Converted:
    """Write the tensors of a safetensors file as a flat state dict; names that stand for tied tensors come back.

    Raises:
        UnreadableError: The file is broken.
        TorchlinkError: It is no safetensors file, or has a dtype that torch does not.
    """
    source = open_source(place)
    try:
        contents = read_contents(source, Allowance())
        if contents.format is not Format.SAFETENSORS:
            raise TorchlinkError(f"a {contents.format.value} file, not safetensors", where=str(place))
        values, tied = _state(contents)
        plans = [
            copied(str(index), source, contents.storages[tensor.name], crc_known=False)
            for index, tensor in enumerate(contents.tensors)
        ]
        write_torch_zip(target, ordered(values), plans, overwrite=overwrite)
        return Converted(
            files=(target,),
            tensors=len(contents.tensors),
            size=sum(tensor.size for tensor in contents.tensors),
            tied=tied,
            copied=(),
            left_out=tuple(key for key in contents.metadata if key == VALUES),
        )
    finally:
        source.close()


def _state(contents: Contents) -> tuple[Pairs, dict[str, str]]:
    unknown = [tensor.name for tensor in contents.tensors if tensor.dtype not in ITEM_SIZE]
    if unknown:
        raise TorchlinkError(f"torch has no dtype for {', '.join(unknown[:5])}", where=contents.source.name)
    made: dict[str, Call] = {
        tensor.name: tensor_value(str(index), tensor.dtype, tensor.shape, tensor.size)
        for index, tensor in enumerate(contents.tensors)
    }
    tied = {name: kept for name, kept in contents.metadata.items() if kept in made and name not in made}
    pairs = Pairs()
    for name, value in (*made.items(), *((name, made[kept]) for name, kept in tied.items())):
        pairs.extend((name, value))
    return pairs, tied


def stored_values(contents: Contents) -> dict[str, object]:
    """The plain values that a conversion from ``.pt`` has kept in the metadata."""
    try:
        found: object = json.loads(contents.metadata.get(VALUES, "{}"))
    except (ValueError, RecursionError):
        return {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}
