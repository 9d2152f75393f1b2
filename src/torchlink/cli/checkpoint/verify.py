"""``torchlink checkpoint verify``: is it whole?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torchlink.checkpoint.verify import Verified

_FORMATS = ("terminal", "json", "sarif", "junit", "markdown", "github")


@click.command()
@click.argument("places", nargs=-1, required=True, metavar="FILE...")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="terminal", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to this file.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(places: tuple[str, ...], form: str, output: Path | None, debug: bool) -> int:  # noqa: ARG001
    """Check that files are whole: CRCs, sizes, tensors against their storages, checksums that lie beside them.

    An index of a sharded checkpoint is checked with all its shards. Exits with 0 where all is well, 1 where a file is
    broken.
    """
    from torchlink.cli import surface

    began = time.monotonic()
    found = [_one(place) for place in places]
    if form == "terminal":
        text = "".join(line for one in found for line in _lines(one))
    else:
        text = _report(found, form, time.monotonic() - began)
    surface.write(text, output)
    return 1 if any(one.problems for one in found) else 0


def _one(place: str) -> Verified:
    from torchlink.checkpoint.verify import verify, verify_index

    return verify_index(Path(place)) if place.endswith(".index.json") else verify(place)


def _lines(found: Verified) -> list[str]:
    from torchlink.report.printable import printable

    word = "broken" if found.problems else "whole"
    lines = [f"{word:<8} {printable(found.path)}{f'  ({found.format})' if found.format else ''}\n"]
    lines.extend(f"    {printable(problem)}\n" for problem in found.problems[:20])
    if len(found.problems) > 20:
        lines.append(f"    and {len(found.problems) - 20} more\n")
    if not found.problems:
        lines.append(f"    checked: {printable(', '.join(found.checked))}\n")
    return lines


def _report(found: list[Verified], form: str, elapsed_s: float) -> str:
    from torchlink import __version__
    from torchlink.checkpoint.findings import verify_report
    from torchlink.report.formats import render

    return render(verify_report(found, version=__version__, elapsed_s=elapsed_s), form=form)
