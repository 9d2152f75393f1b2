"""``torchlink report``: the incident report."""

from __future__ import annotations

from pathlib import Path

import click

from torchlink.cli.changed import DEBUG, PYTHON
from torchlink.model.errors import TorchlinkError

_SUFFIXES = {".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html", ".json": "json"}


@click.command()
@click.argument("project", required=False, type=click.Path(path_type=Path))
@click.option("--change", "number", type=int, metavar="ID", help="Tell of this change; see torchlink history.")
@click.option("--since", default="", metavar="SNAPSHOT", help="Tell what changed since: N, or N:before.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file: .md, .html or .json.")
@click.option("--index-url", metavar="URL", default="", help="The index to use instead of the configured one.")
@click.option("--offline", is_flag=True, help="Ask no index; use what was read before.")
@PYTHON
@DEBUG
def report(
    project: Path | None,
    number: int | None,
    since: str,
    output: Path | None,
    index_url: str,
    offline: bool,
    python: Path | None,
    debug: bool,  # noqa: ARG001 - read in cli/main.py
) -> int:
    """Write the incident report: what failed, why, what mended it, what else was considered, how it was verified.

    It tells of what is broken now; where nothing is, of the latest change. Without --output it is printed as Markdown.
    """
    from torchlink import change
    from torchlink.cli import surface
    from torchlink.cli.progress import ShownProgress
    from torchlink.incident import incident
    from torchlink.model.question import Question
    from torchlink.report.incident import render

    form = "markdown" if output is None else _SUFFIXES.get(output.suffix.lower(), "")
    if not form:
        raise TorchlinkError(f"{output} says no format", mend="name a file that ends in .md, .html or .json")
    question = Question(index_url=index_url, offline=offline)
    with ShownProgress() as progress:
        found = incident(
            change.place(project, python), number=number, since=since, question=question, progress=progress
        )
    surface.write(render(found, form), output)
    return 0
