"""The same checkpoint, loadable under ``weights_only=True`` without any allow list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.contents import Contents
from torchlink.checkpoint.judge import Safety, judge
from torchlink.checkpoint.reader import read_contents
from torchlink.checkpoint.rewrite import Rewriter
from torchlink.checkpoint.source import open_source
from torchlink.checkpoint.torch_writer import StoragePlan, copied, write_torch_zip
from torchlink.model.errors import TorchlinkError, UnreadableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What was written, and what is different in it."""

    target: Path
    changes: dict[str, tuple[str, ...]]
    """What was done, and the places where."""


def repair(place: str | Path, target: Path, *, to_cpu: bool = False, overwrite: bool = False) -> Repaired:
    """Write a checkpoint anew, with every value in a form that each torch since 2.0 loads under ``weights_only=True``.

    Args:
        place: The file, which is not touched.
        target: The file to write.
        to_cpu: Whether tensors that were saved on another device are to be loaded on the CPU.
        overwrite: Whether an existing file may be replaced.

    Raises:
        UnreadableError: The file is broken.
        TorchlinkError: It is dangerous, or holds something that cannot be made safe, which is named.
    """
    source = open_source(place)
    try:
        contents = read_contents(source, Allowance())
        refuse_unsafe(contents, str(place))
        rewriter = Rewriter(contents.streams[contents.main], to_cpu=to_cpu)
        root = rewriter.rewrite(contents.root, "")
        if rewriter.refused:
            more = f" and {len(rewriter.refused) - 5} more" if len(rewriter.refused) > 5 else ""
            raise TorchlinkError(f"cannot be made safe: {', '.join(rewriter.refused[:5])}{more}", where=str(place))
        order = contents.metadata.get("byteorder", "little")
        write_torch_zip(target, root, storages(contents, rewriter), byteorder=order, overwrite=overwrite)
        return Repaired(target=target, changes={what: tuple(where) for what, where in rewriter.notes.items()})
    finally:
        source.close()


def refuse_unsafe(contents: Contents, where: str) -> None:
    """Raise where a file must not be carried over into a new one."""
    if contents.main < 0 or contents.code:
        raise TorchlinkError(f"a {contents.format.value} file has no object to write anew", where=where)
    judgement = judge(contents)
    if judgement.safety is Safety.DANGEROUS:
        raise TorchlinkError(f"it is dangerous: {judgement.reasons[0].detail}", where=where)
    if judgement.safety is Safety.UNREADABLE:
        raise UnreadableError(judgement.reasons[0].detail, where=where)


def storages(contents: Contents, rewriter: Rewriter) -> Iterator[StoragePlan]:
    """The storages of the new file: those of the old one that are still used, and the new ones."""
    crc_known = any(extent.crc for extent in contents.storages.values())
    for key in rewriter.used:
        extent = contents.storages.get(key)
        if extent is not None:
            yield copied(key, contents.source, extent, crc_known=crc_known and extent.header)
    yield from rewriter.storages
