"""``torchlink pins play FILE``: a sequence of install commands, played through."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from torchlink.cli import surface
from torchlink.cli.check import FAIL_ON, exit_code
from torchlink.report.formats import FORMATS


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--project", type=click.Path(path_type=Path), help="The folder that the commands run in: the file's own.")
@click.option("--python-version", metavar="X.Y", default="", help="Play for this Python.")
@click.option("--platform", metavar="TAG", default="", help="Play for this platform, such as win_amd64.")
@click.option("--as-of", metavar="DATE", default="", help="Play with what was released by this day.")
@click.option("--offline", is_flag=True, help="Ask no index; use what was fetched before.")
@click.option("--link/--no-link", default=True, show_default=True, help="Link the finished environment's wheels.")
@click.option("--constraints", type=click.Path(path_type=Path, dir_okay=False), help="Write the safe set to this file.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True)
@click.option("--fail-on", type=click.Choice(FAIL_ON), default="risk", show_default=True, help="What exits with 1.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use what earlier runs have read.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    file: Path,
    project: Path | None,
    python_version: str,
    platform: str,
    as_of: str,
    offline: bool,
    link: bool,
    constraints: Path | None,
    form: str,
    fail_on: str,
    output: Path | None,
    cache: bool,
    debug: bool,  # noqa: ARG001 - read in cli/main.py
) -> int:
    """Play the install commands of a script, a Dockerfile or a program through, step by step.

    Says what each step does to what earlier steps left, which one takes a bound away, what the finished environment
    will be, and one set of versions that serves all steps. Nothing is installed.
    """
    from torchlink import pipeline
    from torchlink.cli.progress import ShownProgress
    from torchlink.model.question import Question
    from torchlink.report import play as page
    from torchlink.report.formats import render

    question = Question(python_version=python_version, platform=platform, as_of=as_of, offline=offline)
    with ShownProgress() as progress:
        report = pipeline.play(file, question, project=project, link=link, cache=cache, progress=progress)
    if constraints is not None:
        lines = [f"{step.package}=={step.new}" for plan in report.plans for step in plan.steps]
        surface.write("".join(f"{line}\n" for line in lines), constraints)
    if form == "terminal":
        colour = output is None and surface.takes_colour(sys.stdout)
        text = page.render(report, width=surface.width(), colour=colour)
    else:
        text = render(report, form=form)
    surface.write(text, output)
    return exit_code(report, fail_on)
