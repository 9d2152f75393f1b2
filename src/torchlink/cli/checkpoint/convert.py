"""``torchlink checkpoint convert``: between torch's files and safetensors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torchlink.checkpoint.convert import Converted

_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@click.command()
@click.argument("place", metavar="FILE")
@click.argument("target", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--part", default="", metavar="KEY", help="Only this part of the file, as state_dict or model.encoder.")
@click.option("--max-shard-size", "shard", default="", metavar="SIZE", help="Split into files of at most this, as 5GB.")
@click.option(
    "--tied",
    type=click.Choice(("once", "copy")),
    default="once",
    show_default=True,
    help="How tied tensors are written.",
)
@click.option("--overwrite", is_flag=True, help="Replace the target where it exists.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(place: str, target: Path | None, part: str, shard: str, tied: str, overwrite: bool, debug: bool) -> int:  # noqa: ARG001
    """Convert FILE to safetensors, or a .safetensors file to one for torch.load.

    The tensors are copied from where they lie: nothing is loaded, and memory stays flat. TARGET is FILE with the other
    suffix by default. It appears when it is whole.
    """
    from torchlink.checkpoint.convert import to_safetensors
    from torchlink.checkpoint.to_torch import to_torch

    back = target is not None and target.suffix in (".pt", ".pth", ".bin", ".ckpt")
    if back or (target is None and place.endswith(".safetensors")):
        done = to_torch(place, target or Path(place).with_suffix(".pt"), overwrite=overwrite)
    else:
        chosen = target or Path(place).with_suffix(".safetensors")
        done = to_safetensors(
            place, chosen, part=part, shard_size=_size(shard), keep_tied=tied == "once", overwrite=overwrite
        )
    click.echo("".join(_lines(done)), nl=False)
    return 0


def _lines(done: Converted) -> list[str]:
    from torchlink.cli.checkpoint.inspect import size_text
    from torchlink.report.printable import printable

    lines = [f"{printable(str(done.files[0]))}{f' and {len(done.files) - 1} more' if len(done.files) > 1 else ''}\n"]
    lines.append(f"  {done.tensors:,} tensors, {size_text(done.size)}\n")
    if done.tied:
        lines.append(f"  {len(done.tied)} tied tensors are written once: {_some(list(done.tied))}\n")
    if done.copied:
        lines.append(
            f"  {len(done.copied)} tensors shared memory and have their own copy now: {_some(list(done.copied))}\n"
        )
    if done.left_out:
        lines.append(f"  left out, because it is neither tensor nor plain value: {_some(list(done.left_out))}\n")
    return lines


def _some(names: list[str]) -> str:
    from torchlink.report.printable import printable

    return printable(", ".join(names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _size(text: str) -> int:
    if not text:
        return 0
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?B?)", text.strip().upper())
    unit = match.group(2) if match else "?"
    unit = unit if unit.endswith("B") or not unit else f"{unit}B"
    if match is None or unit not in (*_UNITS, "B"):
        raise click.UsageError(f"{text!r} is no size such as 5GB.")
    return int(float(match.group(1)) * _UNITS.get(unit, 1))
