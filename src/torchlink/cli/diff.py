"""``torchlink diff``: what changed since it worked."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from torchlink.cli import surface
from torchlink.cli.changed import DEBUG, FORM, PYTHON


@click.command()
@click.argument("first", default="", metavar="[A]")
@click.argument("second", default="", metavar="[B]")
@click.option("--project", type=click.Path(path_type=Path), help="The project whose environment it is.")
@PYTHON
@FORM
@DEBUG
def diff(first: str, second: str, project: Path | None, python: Path | None, form: str, debug: bool) -> int:  # noqa: ARG001 - see cli/main.py
    """Compare two moments of an environment: versions that moved, and files that changed under the same version.

    A moment is N (as change N left it), N:before, or now. Without A it is the latest change, without B it is now. What
    concerns a present finding comes first. Exits with 1 where something differs.
    """
    from torchlink import change, pipeline
    from torchlink.cli.progress import ShownProgress
    from torchlink.report import changes, changes_json

    at = change.place(project, python)
    with ShownProgress() as progress:
        found = change.difference(at, first, second)
        report = pipeline.check(project, python=python, progress=progress)
    names = {name for one in report.findings for name in (*one.culprits, one.needer.name, one.provider.name)}
    found = found.explained_first(frozenset(names))
    if form == "json":
        text = changes_json.render_difference(found)
    else:
        text = changes.render_difference(found, width=surface.width(), colour=surface.takes_colour(sys.stdout))
    surface.write(text, None)
    return int(bool(found.moved or found.touched))
