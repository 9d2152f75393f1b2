"""``torchlink explain``: an error log in, the cause and the fix out."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from torchlink.cli import surface
from torchlink.model.errors import TorchlinkError
from torchlink.report.formats import FORMATS, render

MOST_BYTES = 256 * 2**20
"""Of a log. Of a longer one, the first and the last half of this are read."""

_FAIL_ON = ("break", "risk", "unknown")


@click.command()
@click.argument("file", required=False, metavar="[FILE|-]")
@click.option("--python", type=click.Path(path_type=Path), help="The interpreter, or the folder, of the environment.")
@click.option(
    "--environment/--no-environment", default=True, show_default=True, help="Use the environment at hand, if it fits."
)
@click.option(
    "--prove", is_flag=True, help="Look on the index for changes that are proven to mend it in the environment."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True, help="What to print."
)
@click.option("--fail-on", type=click.Choice(_FAIL_ON), default="break", show_default=True, help="What exits with 1.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to this file.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use what earlier runs have read.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def explain(
    file: str | None,
    python: Path | None,
    environment: bool,
    prove: bool,
    form: str,
    fail_on: str,
    output: Path | None,
    cache: bool,
    debug: bool,  # noqa: ARG001 - read in cli/main.py, which prints every error
) -> int:
    """Say what the errors in a log mean, who is at fault, and what mends them.

    FILE is a log, a traceback or a CI run's output, of any length and encoding; without it (or with -) it is read from
    the standard input. The environment at hand (--python, else the active one) decides among several causes, where
    nothing in the log speaks against it.

    Exits with 1 where it holds an incompatibility that torchlink knows, with 0 where it holds none (also where its
    errors are others: --fail-on unknown exits with 1 then), 2 for bad usage or input, 3 where torchlink failed.
    """
    from torchlink import pipeline
    from torchlink.cli.check import exit_code
    from torchlink.cli.progress import ShownProgress

    if prove and not environment:
        raise click.UsageError("--prove needs an environment: leave --no-environment out.")
    if file is None:
        if sys.stdin.isatty():
            raise click.UsageError("name a log, or pipe one in.")
        file = "-"
    data = _read(file)
    with ShownProgress() as progress:
        report = pipeline.explain(
            data,
            name="standard input" if file == "-" else file,
            python=python,
            environment=environment,
            prove=prove,
            cache=cache,
            progress=progress,
        )
    colour = output is None and surface.takes_colour(sys.stdout)
    surface.write(render(report, form=form, width=surface.width(), colour=colour), output)
    return exit_code(report, fail_on)


def _read(file: str) -> bytes:
    """The log's bytes.

    Raises:
        TorchlinkError: It cannot be read.
    """
    if file == "-":
        return sys.stdin.buffer.read(MOST_BYTES)
    try:
        with Path(file).open("rb") as log:
            size = os.fstat(log.fileno()).st_size
            if size <= MOST_BYTES:
                return log.read(MOST_BYTES)
            head = log.read(MOST_BYTES // 2)
            log.seek(size - MOST_BYTES // 2)
            return head + b"\n" + log.read(MOST_BYTES // 2)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise TorchlinkError(
            f"cannot be read ({reason})", where=file, mend="name a file, or pipe the log in"
        ) from error
