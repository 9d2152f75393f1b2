"""``torchlink checkpoint list``: which checkpoints are there, which is whole, the latest, the best?"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torchlink.checkpoint.listing import Listed


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(("terminal", "json")), default="terminal", show_default=True)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(folder: Path, form: str, debug: bool) -> int:  # noqa: ARG001
    """List the checkpoints in FOLDER: step, epoch, losses, time and size, whole or torn, the latest and the best.

    No tensor is read. Exits with 0, or with 1 where one is torn.
    """
    from torchlink.checkpoint.listing import list_checkpoints

    found = list_checkpoints(folder)
    click.echo(_json(found) if form == "json" else _table(found), nl=False)
    return 1 if any(one.torn for one in found) else 0


def _table(found: tuple[Listed, ...]) -> str:
    from torchlink.cli.checkpoint.inspect import size_text
    from torchlink.report.printable import printable

    if not found:
        return "no checkpoints\n"
    rows = [("", "step", "epoch", "loss", "saved", "size", "")]
    for one in found:
        losses = " ".join(f"{key} {value:g}" for key, value in list(one.losses.items())[:2])
        saved = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.modified))
        marks = ", ".join(word for word, on in (("latest", one.latest), ("best", one.best)) if on)
        state = f"torn: {one.torn}" if one.torn else marks
        rows.append(
            (
                Path(one.path).name,
                _or_dash(one.step),
                _or_dash(one.epoch),
                losses or "-",
                saved,
                size_text(one.size),
                state,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "".join(
        "  ".join(printable(cell).ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip() + "\n"
        for row in rows
    )


def _or_dash(number: int | None) -> str:
    return "-" if number is None else f"{number}"


def _json(found: tuple[Listed, ...]) -> str:
    from dataclasses import asdict

    return json.dumps([asdict(one) for one in found], indent=2) + "\n"
