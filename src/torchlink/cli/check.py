"""``torchlink check``: the main job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torchlink.cli import surface
from torchlink.cli.what_if import WhatIf, asked, what_if_options
from torchlink.report.formats import FORMATS, prepare, render

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from torchlink.model.report import Report

FAIL_ON = ("break", "risk", "unknown")


@click.command()
@click.argument("project", required=False, type=click.Path(path_type=Path))
@what_if_options
@click.option("--python", type=click.Path(path_type=Path), help="The interpreter, or the folder, of the environment.")
@click.option("--machine", type=click.Path(path_type=Path), help="Judge for this machine: a file of torchlink machine.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True, help="What to print."
)
@click.option("--fail-on", type=click.Choice(FAIL_ON), default="break", show_default=True, help="What exits with 1.")
@click.option("--explain", metavar="ID", default="", help="Show one finding in full.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to this file.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use what earlier runs have read.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def check(
    project: Path | None,
    python: Path | None,
    machine: Path | None,
    form: str,
    fail_on: str,
    explain: str,
    output: Path | None,
    cache: bool,
    debug: bool,  # noqa: ARG001 - read in cli/main.py, which prints every error
    **what_if: Unpack[WhatIf],
) -> int:
    """Find what is broken in an environment, and why.

    With PROJECT, what its source reaches is looked at, in its own environment (.venv, else the active one). Without,
    every package that is installed is.

    With --frozen, --requirements or --with, a set of releases that is not installed is judged by its wheels: they are
    read on the index, and nothing is installed.

    Exits with 0 for sound, 1 for findings at or above --fail-on, 2 for bad usage or input, 3 where torchlink failed.
    """
    from torchlink import pipeline
    from torchlink.cli.progress import ShownProgress

    with ShownProgress() as progress:
        question = asked(what_if)
        if question is not None and machine is not None:
            raise click.UsageError("--machine is for what is installed: code for GPUs is not read from wheels.")
        if question is None:
            report = pipeline.check(
                project,
                python=python,
                machine=machine,
                cache=cache,
                progress=progress,
                meanwhile=lambda: prepare(form),
            )
        else:
            report = pipeline.what_if(question, project, python=python, cache=cache, progress=progress)
    colour = output is None and surface.takes_colour(sys.stdout)
    surface.write(render(report, form=form, explain=explain, width=surface.width(), colour=colour), output)
    return exit_code(report, fail_on)


def exit_code(report: Report, fail_on: str) -> int:
    """1 where the report holds something at or above the bar, else 0.

    Args:
        report: The report.
        fail_on: ``break``, ``risk``, or ``unknown``, which counts what is undecided on a reached path too.
    """
    bar = ("break", "risk") if fail_on in ("risk", "unknown") else ("break",)
    found = any(finding.severity.value in bar for finding in report.findings)
    unknown = fail_on == "unknown" and any(one.reached for one in report.undecided)
    return int(found or unknown)
