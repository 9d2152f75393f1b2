"""``torchlink fix``: what mends it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torchlink.cli import surface
from torchlink.cli.what_if import WhatIf, question_of, what_if_options
from torchlink.model.question import Question
from torchlink.report.formats import render

if TYPE_CHECKING:
    from typing_extensions import Unpack

_FORMATS = ("terminal", "json", "markdown", "json-lines")
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("project", required=False, type=click.Path(path_type=Path))
@click.argument("finding", default="", metavar="[FINDING]")
@what_if_options
@click.option("--python", type=click.Path(path_type=Path), help="The interpreter, or the folder, of the environment.")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="terminal", show_default=True, help="What to print."
)
@click.option("--apply", is_flag=True, help="Carry a plan out, and keep it only if it links and runs.")
@click.option("--choose", type=click.IntRange(min=1), metavar="N", help="The plan to carry out; by default the first.")
@click.option("--plans", type=_FILE, help="Take the plans of this JSON report, instead of looking for them anew.")
@click.option("--in-use", is_flag=True, help="Change the environment even where processes use it.")
@click.option("--continue", "go_on", is_flag=True, help="Finish a change that was interrupted.")
@click.option("--source", is_flag=True, help="Rewrite the project's own source by the behaviour rules.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to this file.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use what earlier runs have read.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def fix(
    project: Path | None,
    finding: str,
    python: Path | None,
    form: str,
    apply: bool,
    choose: int | None,
    plans: Path | None,
    in_use: bool,
    go_on: bool,
    source: bool,
    output: Path | None,
    cache: bool,
    debug: bool,  # noqa: ARG001 - read in cli/main.py, which prints every error
    **what_if: Unpack[WhatIf],
) -> int:
    """Show changes that mend what is broken, each proven by linking the whole changed set.

    Alternatives keep one side each as it is, and say what moves, what they cost, and which of your own requirements
    they break. FINDING is the id of the one that is to be mended, instead of all. Without --apply nothing is installed
    and no file is changed.

    With --apply one plan is carried out as a transaction: everything is fetched first, files are exchanged in a moment,
    the result is linked again and probed, and rolled back by itself where that shows a fault. `torchlink rollback`
    undoes it later.

    With --source, what the behaviour rules can rewrite in the project's own source is shown as a diff, with what is
    left for its writer to choose. --apply writes the files.

    Exits with 0 where nothing is broken, 1 where something is, 2 for bad usage or input, 3 where torchlink failed.
    """
    if source:
        from torchlink.cli.fix_source import fix_source

        if question_of(what_if) != Question():
            raise click.UsageError("--source looks at the project's own environment: give no what-if target.")
        if finding:
            raise click.UsageError("--source rewrites all that the rules can: give no finding.")
        return fix_source(project or Path(), python, form=form, apply=apply, output=output)
    from torchlink import pipeline
    from torchlink.cli.check import exit_code
    from torchlink.cli.progress import ShownProgress

    if go_on or apply:
        from torchlink.cli import carry

        if output is not None or form == "markdown":
            raise click.UsageError("what was carried out is printed on a terminal or as json; --output has no place.")
        if go_on:
            return carry.resume(project, python, cache=cache, form=form)
        question = question_of(what_if)
        return carry.apply(
            project, finding, python, question, choice=choose, plans=plans, in_use=in_use, cache=cache, form=form
        )
    if form == "json-lines":
        raise click.UsageError("json-lines are the steps of --apply and --continue.")
    if choose is not None or plans is not None or in_use:
        raise click.UsageError("--choose, --plans and --in-use belong to --apply.")
    with ShownProgress() as progress:
        report = pipeline.fix(question_of(what_if), project, finding, python=python, cache=cache, progress=progress)
    colour = output is None and surface.takes_colour(sys.stdout)
    surface.write(render(report, form=form, width=surface.width(), colour=colour), output)
    return exit_code(report, "break")
