"""``torchlink checkpoint extract``: a state dict out of a whole object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torchlink.checkpoint.extract import Extracted


@click.command()
@click.argument("place", metavar="FILE")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--part", default="", metavar="KEY", help="Where in the file; the usual keys are tried by default.")
@click.option("--strip-wrappers", is_flag=True, help="Take the prefixes module. and _orig_mod. off the names.")
@click.option("--strip-prefix", multiple=True, metavar="PREFIX", help="Take this prefix off the names.")
@click.option("--overwrite", is_flag=True, help="Replace the target where it exists.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    place: str,
    target: Path,
    part: str,
    strip_wrappers: bool,
    strip_prefix: tuple[str, ...],
    overwrite: bool,
    debug: bool,  # noqa: ARG001 - read in cli/main.py
) -> int:
    """Write the state dict of the module or dictionary in FILE to TARGET, without the module's class.

    TARGET is a file for torch.load(weights_only=True), or safetensors where its name ends so.
    """
    from torchlink.checkpoint.extract import WRAPPERS, extract
    from torchlink.report.printable import printable

    strip = (*(WRAPPERS if strip_wrappers else ()), *strip_prefix)
    if target.suffix == ".safetensors":
        done = _by_way_of_torch(place, target, part, strip, overwrite)
    else:
        done = extract(place, target, part=part, strip=strip, overwrite=overwrite)
    where = f" under {done.part!r}" if done.part else ""
    click.echo(f"{printable(str(target))}\n  {len(done.names):,} tensors of {printable(done.label + where)}")
    if done.others:
        click.echo(f"  also there: {printable(', '.join(done.others))}; --part chooses")
    return 0


def _by_way_of_torch(place: str, target: Path, part: str, strip: tuple[str, ...], overwrite: bool) -> Extracted:
    from torchlink.checkpoint.convert import to_safetensors
    from torchlink.checkpoint.extract import extract

    between = target.with_name(f".{target.name}.between.pt")
    try:
        done = extract(place, between, part=part, strip=strip, overwrite=True)
        to_safetensors(between, target, overwrite=overwrite)
    finally:
        between.unlink(missing_ok=True)
    return done
