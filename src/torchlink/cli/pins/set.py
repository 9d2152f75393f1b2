"""``torchlink pins set torch==2.3.1+rocm5.7``: one version in every place that pins it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torchlink.cli import surface

if TYPE_CHECKING:
    from torchlink.pins.set import Setting


@click.command()
@click.argument("versions", nargs=-1, metavar="NAME==VERSION...")
@click.option("--project", default=".", type=click.Path(path_type=Path), help="The project's folder.")
@click.option("--family", is_flag=True, help="Move exactly pinned companions along: torchvision with torch.")
@click.option("--backend", metavar="TAG", default="", help="Torch's builds: cu126, rocm6.2, cpu, or auto; a --family.")
@click.option("--machine", type=click.Path(path_type=Path), help="The machine of --backend auto; by default this one.")
@click.option("--documents", is_flag=True, help="Change documents (Markdown) too.")
@click.option("--dry-run", is_flag=True, help="Show the diff, and write nothing.")
@click.option("--offline", is_flag=True, help="Ask no index; use what was read before.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use what earlier runs have read.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    versions: tuple[str, ...],
    project: Path,
    family: bool,
    backend: str,
    machine: Path | None,
    documents: bool,
    dry_run: bool,
    offline: bool,
    cache: bool,
    debug: bool,  # noqa: ARG001 - read in cli/main.py
) -> int:
    """Write one version into every place that pins it, each in its own notation, and show the diff.

    A range that admits the version stays as it is. All files are written or none. Exits with 1 where a place was left
    that still wants something else.
    """
    from torchlink import __version__
    from torchlink.cli.progress import ShownProgress
    from torchlink.pins.set import set_versions, wanted_versions
    from torchlink.pins.store import open_store
    from torchlink.pins.targets import with_backend
    from torchlink.pins.write import diff, write

    if not versions and not backend:
        raise click.UsageError("Nothing to set: give NAME==VERSION, or --backend TAG.")
    wanted, told = wanted_versions(versions), ""
    if backend:
        wanted, told = with_backend(project, wanted, backend, machine, os.environ)
    with ShownProgress() as progress, open_store(cache, __version__) as store:
        setting = set_versions(
            project,
            wanted,
            family=family or bool(backend),
            documents=documents,
            variables=os.environ,
            store=store,
            offline=offline,
            progress=progress,
        )
    surface.write(diff(setting.changes), None)
    if not dry_run:
        write(setting.changes)
    sys.stdout.flush()
    click.echo(_summary(setting, dry_run), err=True)
    if told:
        click.echo(told, err=True)
    return int(bool(setting.left or setting.locks))


def _summary(setting: Setting, dry_run: bool) -> str:
    from torchlink.report.printable import printable
    from torchlink.report.wording import counted

    said = ", ".join(f"{name} {version}" for name, version in setting.versions.items())
    done = "would change" if dry_run else "changed"
    lines = [f"{said}: {counted(len(setting.changes), 'file')} {done}."]
    if not setting.changes and not setting.left and not setting.locks:
        lines = [f"{said}: every pin admits it already."]
    if setting.inferred:
        lines.append(f"inferred from the plain builds' metadata: {', '.join(setting.inferred)}")
    lines += [f"unknown: what {name} needs: {reason}" for name, reason in setting.unknown.items()]
    for one in (*setting.left, *setting.locks):
        space = " " if one.pin.wanted[:1].isalnum() else ""
        lines.append(f"left: {one.pin.place.label}: {one.pin.name}{space}{one.pin.wanted}: {one.reason}")
    return "\n".join(printable(line) for line in lines)
