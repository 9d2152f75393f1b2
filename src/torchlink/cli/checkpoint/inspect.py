"""``torchlink checkpoint inspect``: what is inside?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torchlink.checkpoint.inspect import Inspection
    from torchlink.checkpoint.tree import Node

_EXIT = {"clean": 0, "dangerous": 1, "unknown-global": 1, "unreadable": 2}


@click.command()
@click.argument("places", nargs=-1, required=True, metavar="FILE...")
@click.option("--format", "form", type=click.Choice(("terminal", "json")), default="terminal", show_default=True)
@click.option("--depth", type=click.IntRange(1, 60), default=3, show_default=True, help="How many levels to show.")
@click.option("--all", "everything", is_flag=True, help="Show every entry, however many there are.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(places: tuple[str, ...], form: str, depth: int, everything: bool, output: Path | None, debug: bool) -> int:  # noqa: ARG001
    """Show what checkpoint files hold: tensors, optimizer and random state, classes, and who wrote them.

    Exits with 0 where the files were read, 2 where one could not be.
    """
    from torchlink.checkpoint.inspect import inspect
    from torchlink.cli import surface

    began = time.monotonic()
    inspections = [inspect(place) for place in places]
    if form == "json":
        text = _json(inspections, time.monotonic() - began)
    else:
        text = "\n".join("".join(_page(one, depth, 10_000_000 if everything else 40)) for one in inspections)
    surface.write(text, output)
    return 0


def _json(inspections: list[Inspection], elapsed_s: float) -> str:
    from importlib.metadata import version

    from torchlink.checkpoint.findings import inspect_report
    from torchlink.report.formats import render

    return render(inspect_report(inspections, version=version("torchlink"), elapsed_s=elapsed_s), form="json")


def _page(found: Inspection, depth: int, most: int) -> list[str]:
    from torchlink.report.printable import printable

    lines = [
        f"{printable(found.path)}\n",
        f"  {found.format}, {size_text(found.size)}; {found.judgement.safety.value}\n",
    ]
    if found.writer:
        lines.append(f"  written by {', '.join(f'{name} {release}' for name, release in found.writer.items())}\n")
    if found.tensors:
        lines.append(
            f"  {len(found.tensors):,} tensors, {found.elements:,} elements, {size_text(found.tensor_bytes)}"
            f"{f', {len(found.shared)} groups share storage' if found.shared else ''}\n"
        )
    lines.extend(f"  {printable(key)}: {part}\n" for key, part in found.parts.items())
    if found.progress:
        lines.append(f"  {printable(', '.join(f'{key} {value}' for key, value in found.progress.items()))}\n")
    if found.classes:
        lines.append(
            f"  classes: {printable(', '.join(found.classes[:12]))}{' ...' if len(found.classes) > 12 else ''}\n"
        )
    lines.extend(f"  note: {printable(note)}\n" for note in found.notes[:10])
    lines.append("\n")
    _branch(found.root, "  ", depth, most, lines)
    return lines


def _branch(node: Node, indent: str, depth: int, most: int, lines: list[str]) -> None:
    from torchlink.checkpoint.inspect import headline
    from torchlink.report.printable import printable

    name = f"{printable(node.key)}: " if node.key else ""
    lines.append(f"{indent}{name}{printable(headline(node))}\n")
    if depth <= 0:
        return
    for child in node.children[:most]:
        _branch(child, indent + "  ", depth - 1, most, lines)
    if len(node.children) > most:
        lines.append(f"{indent}  ... and {len(node.children) - most:,} more\n")


def size_text(size: int) -> str:
    """Bytes for people."""
    amount = float(size)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1000
    return ""
