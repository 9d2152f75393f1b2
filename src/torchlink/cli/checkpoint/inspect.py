"""``torchlink checkpoint inspect``: what is inside?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torchlink.checkpoint.inspect import Inspection
    from torchlink.checkpoint.loadability import Loadability
    from torchlink.checkpoint.tree import Node
    from torchlink.model.environment import Environment


@click.command()
@click.argument("places", nargs=-1, required=True, metavar="FILE...")
@click.option("--python", type=click.Path(path_type=Path), help="Say whether it loads in this environment.")
@click.option("--format", "form", type=click.Choice(("terminal", "json")), default="terminal", show_default=True)
@click.option("--depth", type=click.IntRange(1, 60), default=3, show_default=True, help="How many levels to show.")
@click.option("--all", "everything", is_flag=True, help="Show every entry, however many there are.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    places: tuple[str, ...],
    python: Path | None,
    form: str,
    depth: int,
    everything: bool,
    output: Path | None,
    debug: bool,  # noqa: ARG001 - read in cli/main.py
) -> int:
    """Show what checkpoint files hold: tensors, optimizer and random state, classes, and who wrote them.

    Says whether they load in the environment of --python, or in the active one, and with which code. A model's folder
    (transformers, diffusers, PEFT) is shown by the classes that it needs. Exits with 0 where the files could be read.
    """
    from torchlink.checkpoint.inspect import environment_at, inspect
    from torchlink.cli import surface

    began = time.monotonic()
    environment = environment_at(python)
    folders = [place for place in places if "://" not in place and Path(place).is_dir()]
    found = [inspect(place, environment) for place in places if place not in folders]
    if form == "json":
        text = _json(found, folders, environment, time.monotonic() - began)
    else:
        most = 10_000_000 if everything else 40
        pages = ["".join(_page(one, depth, most) + _loads(load)) for one, load in found]
        pages.extend("".join(_folder(place, environment)) for place in folders)
        text = "\n".join(pages)
    surface.write(text, output)
    return 0


def _json(
    found: list[tuple[Inspection, Loadability | None]],
    folders: list[str],
    environment: Environment | None,
    elapsed_s: float,
) -> str:
    from dataclasses import replace

    from torchlink import __version__
    from torchlink.checkpoint.findings import folder_artifact, folder_findings, inspect_report
    from torchlink.checkpoint.model_folder import read_model_folder
    from torchlink.report.formats import render

    report = inspect_report(
        [one for one, _ in found], [load for _, load in found], version=__version__, elapsed_s=elapsed_s
    )
    models = [read_model_folder(Path(place), environment) for place in folders]
    report = replace(
        report,
        artifacts=(*report.artifacts, *(folder_artifact(one) for one in models)),
        findings=(*report.findings, *(finding for one in models for finding in folder_findings(one))),
    )
    return render(report, form="json")


def _folder(place: str, environment: Environment | None) -> list[str]:
    from torchlink.checkpoint.model_folder import read_model_folder
    from torchlink.report.printable import printable

    found = read_model_folder(Path(place), environment)
    lines = [f"{printable(place)}\n  {printable(found.kind)}\n"]
    lines.extend(f"  saved by {printable(name)} {printable(release)}\n" for name, release in found.writers.items())
    lines.extend(
        f"  needs {printable(need.package)}: {printable(need.name)}  [{printable(need.file)}]\n" for need in found.needs
    )
    lines.extend(f"  missing: {printable(one.why)}\n" for one in found.missing)
    lines.extend(
        f"  code of its own, which trust_remote_code=True would run: {printable(one)}\n" for one in found.remote_code
    )
    lines.extend(f"  broken: {printable(problem)}\n" for problem in found.problems[:20])
    return lines


def _loads(load: Loadability | None) -> list[str]:
    from torchlink.report.printable import printable

    if load is None:
        return []
    lines = [f"\n  under torch {load.torch} and NumPy {load.numpy or '(none)'}:\n"]
    for title, outcome in (("weights_only=True", load.restricted), ("weights_only=False", load.free)):
        word = "not decided" if outcome.loads is None else ("loads" if outcome.loads else "does not load")
        default = "  (the default)" if (title == "weights_only=True") == load.default_is_restricted else ""
        lines.append(f"    {title}: {word}{default}\n")
        lines.extend(f"      {printable(reason)}\n" for reason in outcome.reasons[:12])
    if load.devices:
        lines.append(
            f"    saved on {printable(', '.join(load.devices))}: map_location='cpu' loads it without that device\n"
        )
    if load.code and load.refused:
        lines.append("    this loads it, if you trust where it comes from:\n")
        lines.extend(f"      {line}\n" for line in load.code.splitlines())
    return lines


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
