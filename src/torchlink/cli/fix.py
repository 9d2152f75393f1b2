"""``torchlink fix``: what mends it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torchlink.cli import surface
from torchlink.cli.what_if import WhatIf, question_of, what_if_options
from torchlink.report.formats import render

if TYPE_CHECKING:
    from typing_extensions import Unpack

_FORMATS = ("terminal", "json", "markdown")


@click.command()
@click.argument("project", required=False, type=click.Path(path_type=Path))
@what_if_options
@click.option("--python", type=click.Path(path_type=Path), help="The interpreter, or the folder, of the environment.")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="terminal", show_default=True, help="What to print."
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to this file.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use what earlier runs have read.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def fix(
    project: Path | None,
    python: Path | None,
    form: str,
    output: Path | None,
    cache: bool,
    debug: bool,  # noqa: ARG001 - read in cli/main.py, which prints every error
    **what_if: Unpack[WhatIf],
) -> int:
    """Show changes that mend what is broken, each proven by linking the whole changed set.

    Alternatives keep one side each as it is, and say what moves, what they cost, and which of your own requirements
    they break. Nothing is installed and no file is changed.

    Exits with 0 where nothing is broken, 1 where something is, 2 for bad usage or input, 3 where torchlink failed.
    """
    from torchlink import pipeline
    from torchlink.cli.check import exit_code
    from torchlink.cli.progress import ShownProgress

    with ShownProgress() as progress:
        report = pipeline.fix(question_of(what_if), project, python=python, cache=cache, progress=progress)
    colour = output is None and surface.takes_colour(sys.stdout)
    surface.write(render(report, form=form, width=surface.width(), colour=colour), output)
    return exit_code(report, "break")
