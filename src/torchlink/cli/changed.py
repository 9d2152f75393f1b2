"""What every command that changes an environment says at its end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torchlink.model.transaction import State, Transaction

FORMATS = ("terminal", "json")

PYTHON = click.option(
    "--python", type=click.Path(path_type=Path), help="The interpreter, or the folder, of the environment."
)
FORM = click.option(
    "--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True, help="What to print."
)
DEBUG = click.option("--debug", is_flag=True, help="Show the traceback of an error.")


def show(transactions: Sequence[Transaction], form: str) -> None:
    """Print transactions."""
    from torchlink.cli import surface
    from torchlink.report import changes, changes_json

    if form == "json":
        surface.write(changes_json.render_changes(transactions), None)
    elif form == "json-lines":
        surface.write(changes_json.changes_line(transactions), None)
    else:
        colour = surface.takes_colour(sys.stdout)
        surface.write(changes.render_changes(transactions, width=surface.width(), colour=colour), None)


def exit_code(transaction: Transaction, wanted: State) -> int:
    """0 where a transaction ended as it was meant to, else 1."""
    return int(transaction.state is not wanted)
