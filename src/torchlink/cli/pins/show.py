"""``torchlink pins [PROJECT]``: which versions are wanted, and where."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from torchlink.cli import surface
from torchlink.cli.check import FAIL_ON, exit_code
from torchlink.model.report import Report
from torchlink.report.formats import FORMATS


@click.command()
@click.argument("project", default=".", type=click.Path(path_type=Path))
@click.option("--package", "packages", multiple=True, metavar="NAME", help="List only this package; may be repeated.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True)
@click.option("--fail-on", type=click.Choice(FAIL_ON), default="risk", show_default=True, help="What exits with 1.")
@click.option("--fresh", is_flag=True, help="Resolve each manifest as of today too, and link what its ranges take.")
@click.option("--offline", is_flag=True, help="Ask no index what releases require; use what was read before.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use what earlier runs have read.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    project: Path,
    packages: tuple[str, ...],
    form: str,
    fail_on: str,
    fresh: bool,
    offline: bool,
    cache: bool,
    output: Path | None,
    debug: bool,  # noqa: ARG001 - read in cli/main.py
) -> int:
    """List every place that says which version of a package is wanted, and compare them.

    Nothing is executed. Exits with 0 where they agree, 1 for findings at or above --fail-on.
    """
    from torchlink import __version__, pipeline
    from torchlink.cli.progress import ShownProgress
    from torchlink.model.names import normalise
    from torchlink.model.question import Question
    from torchlink.pins.check import check_pins
    from torchlink.pins.store import open_store
    from torchlink.report import pins as page
    from torchlink.report.formats import render

    with ShownProgress() as progress, open_store(cache, __version__) as store:
        report, survey = check_pins(
            project, version=__version__, variables=os.environ, store=store, offline=offline, progress=progress
        )
        if fresh:
            from torchlink.pins.fresh import with_fresh

            def judge(manifest: Path) -> Report:
                question = Question(requirements=(manifest,), offline=offline)
                return pipeline.what_if(question, cache=cache, progress=progress)

            report = with_fresh(report, survey, judge)
    if form == "terminal":
        colour = output is None and surface.takes_colour(sys.stdout)
        names = [normalise(name) for name in packages]
        text = page.render(report, survey, packages=names, width=surface.width(), colour=colour)
    else:
        text = render(report, form=form)
    surface.write(text, output)
    return exit_code(report, fail_on)
