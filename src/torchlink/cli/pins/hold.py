"""``torchlink pins hold torch``: later installs do not replace it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from torchlink.cli import surface


@click.command()
@click.argument("wanted", metavar="NAME[==VERSION]")
@click.option("--project", default=".", type=click.Path(path_type=Path), help="The project's folder.")
@click.option("--python", type=click.Path(path_type=Path), help="The interpreter, or the folder, of the environment.")
@click.option("--dry-run", is_flag=True, help="Show the diff, and write nothing.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use what earlier runs have read.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    wanted: str,
    project: Path,
    python: Path | None,
    dry_run: bool,
    cache: bool,
    debug: bool,  # noqa: ARG001 - read in cli/main.py
) -> int:
    """Write a constraint that keeps every later install from replacing a package.

    For pip in the environment's own settings, for uv in the project's, for conda in the environment's list of pins.
    """
    from torchlink import __version__
    from torchlink.pins.hold import hold
    from torchlink.pins.store import open_store
    from torchlink.pins.write import diff, write
    from torchlink.report.printable import printable

    with open_store(cache, __version__) as store:
        held = hold(wanted, project, python, os.environ, store)
    surface.write(diff(held.changes), None)
    if not dry_run:
        write(held.changes)
    done = "would be held" if dry_run else "is held"
    click.echo(printable(f"{held.name} {held.version} {done} in {held.prefix}."), err=True)
    return 0
