"""``torchlink matrix``: which versions work together, by the wheels themselves."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from torchlink.cli import surface
from torchlink.report.matrix import FORMATS, render


@click.command()
@click.argument("packages", nargs=-1, required=True)
@click.option("--all", "every", is_flag=True, help="Every release, not the newest of each minor release alone.")
@click.option("--python-version", metavar="X.Y", default="", help="For this Python.")
@click.option("--platform", metavar="TAG", default="", help="For this platform, such as win_amd64.")
@click.option("--index-url", metavar="URL", default="", help="The index to use instead of the configured one.")
@click.option("--offline", is_flag=True, help="Ask no index; use what ships with torchlink and what was read before.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True, help="What to print."
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use what earlier runs have read.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def matrix(
    packages: tuple[str, ...],
    every: bool,
    python_version: str,
    platform: str,
    index_url: str,
    offline: bool,
    form: str,
    output: Path | None,
    cache: bool,
    debug: bool,  # noqa: ARG001 - read in cli/main.py, which prints every error
) -> int:
    """Show which versions of two or more PACKAGES work together, with the evidence of each cell.

    What counts is what the wheels' own bytes need (NumPy's C API, torch's C++ interface), then their metadata. Where
    neither says anything, up to 150 pairs are linked: both are imported on paper. A range leaves few enough:
    'diffusers>=0.25'. Where nothing is known the cell says so.
    """
    from torchlink import pipeline
    from torchlink.cli.progress import ShownProgress
    from torchlink.model.question import Question

    if len(set(packages)) < 2:
        raise click.UsageError("a matrix needs two packages or more.")
    question = Question(python_version=python_version, platform=platform, index_url=index_url, offline=offline)
    with ShownProgress() as progress:
        found = pipeline.matrix(packages, question, every=every, cache=cache, progress=progress)
    colour = output is None and surface.takes_colour(sys.stdout)
    surface.write(render(found, form=form, width=surface.width(), colour=colour), output)
    return 0
