"""``torchlink history``: what was changed."""

from __future__ import annotations

from pathlib import Path

import click

from torchlink.cli.changed import DEBUG, FORM, PYTHON, show


@click.command()
@click.argument("project", required=False, type=click.Path(path_type=Path))
@PYTHON
@FORM
@DEBUG
def history(project: Path | None, python: Path | None, form: str, debug: bool) -> int:  # noqa: ARG001 - see cli/main.py
    """List the changes that torchlink has made to an environment, with the probes before and after each."""
    from torchlink import change

    show(change.history(change.place(project, python)), form)
    return 0
