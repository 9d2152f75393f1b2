"""``torchlink checkpoint repair``: loadable with ``weights_only=True``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("place", metavar="FILE")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--cpu", is_flag=True, help="Load tensors on the CPU that were saved on another device.")
@click.option("--overwrite", is_flag=True, help="Replace the target where it exists.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(place: str, target: Path, cpu: bool, overwrite: bool, debug: bool) -> int:  # noqa: ARG001
    """Write FILE anew as TARGET, so that torch.load(weights_only=True) takes it without an allow list.

    NumPy values become tensors and numbers, objects become dictionaries; each change is told. What cannot be made safe
    is named, and nothing is written. FILE is not touched.
    """
    from torchlink.checkpoint.repair import repair
    from torchlink.report.printable import printable

    done = repair(place, target, to_cpu=cpu, overwrite=overwrite)
    click.echo(printable(str(done.target)))
    for what, places in done.changes.items():
        shown = ", ".join(place for place in places[:3] if place)
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        click.echo(f"  {printable(what)}{f': {printable(shown)}{more}' if shown else ''}")
    return 0
