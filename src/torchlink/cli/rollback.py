"""``torchlink rollback``: undo a change."""

from __future__ import annotations

from pathlib import Path

import click

from torchlink.cli.changed import DEBUG, FORM, PYTHON, exit_code, show


@click.command()
@click.argument("number", required=False, type=int, metavar="[ID]")
@click.option("--project", type=click.Path(path_type=Path), help="The project whose environment it is.")
@PYTHON
@FORM
@DEBUG
def rollback(number: int | None, project: Path | None, python: Path | None, form: str, debug: bool) -> int:  # noqa: ARG001 - see cli/main.py
    """Undo a change of an environment and of the project's files: the one that was interrupted, ID, or the latest.

    Files come back as they were, byte for byte; no network is needed. What came later is never lost: where it stands in
    the way, nothing is done and it is named.
    """
    from torchlink import change
    from torchlink.model.transaction import State

    done = change.rollback(change.place(project, python), number)
    show([done], form)
    return exit_code(done, State.UNDONE)
