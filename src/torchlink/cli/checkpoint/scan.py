"""``torchlink checkpoint scan``: is it safe to load?"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torchlink.checkpoint.scan import Scanned

_FORMATS = ("terminal", "json", "markdown", "sarif", "junit", "github")
_EXIT = {"clean": 0, "dangerous": 1, "unknown-global": 1, "unreadable": 2}
_SHOWN = 12


@click.command()
@click.argument("places", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="terminal", show_default=True, help="What to print."
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to this file.")
@click.option("--processes", type=click.IntRange(1, 64), help="How many to use for many files. All cores by default.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(places: tuple[str, ...], form: str, output: Path | None, processes: int | None, debug: bool) -> int:  # noqa: ARG001
    """Say whether files are safe to load: clean, unknown-global, dangerous or unreadable.

    FILE is a file, a folder with all that is in it, a pattern, or an address such as s3://bucket/model.pt.

    Exits with 0 where all are clean, 1 where one is dangerous or uses a name that is not known, 2 where one could not
    be read.
    """
    from torchlink.checkpoint.judge import worst

    began = time.monotonic()
    scanned, foreign = _scan(places, processes)
    if form == "terminal":
        text = "".join(_lines(scanned, foreign))
    else:
        text = _report(scanned, places, form, time.monotonic() - began)
    if output is None:
        click.echo(text, nl=False)
    else:
        from torchlink.cli import surface

        surface.write(text, output)
    return _EXIT[worst([one.judgement for one in scanned]).value]


def _scan(places: tuple[str, ...], processes: int | None) -> tuple[list[Scanned], int]:
    """What was scanned, and how many files showed no sign of being checkpoints."""
    from torchlink.checkpoint.scan import files_under, scan_many

    named = set(places)
    paths = list(files_under(_expanded(places)))
    if not paths:
        raise click.UsageError("there is no file to scan.")
    scanned: list[Scanned] = []
    foreign = 0
    for done, one in enumerate(scan_many(paths, processes=processes), start=1):
        if one.foreign and one.path not in named:
            foreign += 1
        else:
            scanned.append(one)
        if done % 500 == 0 and sys.stderr.isatty():
            click.echo(f"\r{done:,} of {len(paths):,} files", err=True, nl=False)
    if not scanned:
        raise click.UsageError(f"none of the {foreign:,} files is a checkpoint.")
    return scanned, foreign


def _expanded(places: tuple[str, ...]) -> list[str]:
    """Patterns that the shell has left alone."""
    found: list[str] = []
    for place in places:
        if any(sign in place for sign in "*?[") and "://" not in place and not Path(place).exists():
            anchor = Path(place).anchor
            found.extend(sorted(map(str, Path(anchor or ".").glob(place[len(anchor) :]))))
        else:
            found.append(place)
    return found


def _lines(scanned: list[Scanned], foreign: int) -> list[str]:
    from torchlink.report.printable import printable

    lines: list[str] = []
    for one in scanned:
        lines.append(
            f"{one.judgement.safety.value:<15} {printable(one.path)}{f'  ({one.format})' if one.format else ''}\n"
        )
        reasons = one.judgement.reasons
        lines.extend(
            f"    {printable(reason.detail)}{_place(printable(reason.where))}\n" for reason in reasons[:_SHOWN]
        )
        if len(reasons) > _SHOWN:
            lines.append(f"    and {len(reasons) - _SHOWN} more\n")
    if len(scanned) > 1 or foreign:
        counts = Counter(one.judgement.safety.value for one in scanned)
        summary = ", ".join(f"{count:,} {word}" for word, count in counts.most_common())
        others = f"; {foreign:,} other files are no checkpoints" if foreign else ""
        lines.append(f"{len(scanned):,} files: {summary}{others}\n")
    return lines


def _place(where: str) -> str:
    return f"  [{where}]" if where else ""


def _report(scanned: list[Scanned], places: tuple[str, ...], form: str, elapsed_s: float) -> str:
    from torchlink import __version__
    from torchlink.checkpoint.findings import scan_report
    from torchlink.report.formats import render

    path = places[0] if len(places) == 1 else ""
    return render(scan_report(scanned, version=__version__, path=path, elapsed_s=elapsed_s), form=form)
