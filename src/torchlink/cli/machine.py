"""``torchlink machine``: this machine as torchlink sees it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from torchlink.cli import surface


@click.command()
@click.option("--format", "form", type=click.Choice(("terminal", "json")), default="terminal", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def machine(form: str, output: Path | None, debug: bool) -> int:  # noqa: ARG001 - read in cli/main.py
    """Show the GPUs, drivers and C libraries of this machine.

    --format json writes a file that `torchlink check --machine FILE` takes on another one.
    """
    from torchlink import pipeline
    from torchlink.report import machine as page

    found = pipeline.this_machine(os.environ)
    colour = output is None and surface.takes_colour(sys.stdout)
    text = page.dump(found) if form == "json" else page.render(found, width=surface.width(), colour=colour)
    surface.write(text, output)
    return 0
