"""``torchlink pins lock``: one manifest for all that is installed."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command()
@click.argument("target", default=".", type=click.Path(path_type=Path, exists=True))
@click.option("--extra", "extras", multiple=True, help="An extra of the project's own; may be repeated.")
@click.option("--group", "groups", multiple=True, help="A dependency group; may be repeated.")
@click.option("--python", type=click.Path(path_type=Path), help="The interpreter, or the folder, to resolve for.")
@click.option("--python-version", metavar="X.Y", default="", help="Resolve for this Python.")
@click.option("--platform", metavar="TAG", default="", help="Resolve for this platform, such as win_amd64.")
@click.option("--as-of", metavar="DATE", default="", help="Resolve with what was released by this day.")
@click.option("--offline", is_flag=True, help="Ask no index; use what was fetched before.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="The folder to write into: TARGET's.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    target: Path,
    extras: tuple[str, ...],
    groups: tuple[str, ...],
    python: Path | None,
    python_version: str,
    platform: str,
    as_of: str,
    offline: bool,
    output: Path | None,
    debug: bool,  # noqa: ARG001 - read in cli/main.py
) -> int:
    """Write pylock.toml and constraints.txt for a project, a manifest, or all the steps of a script together.

    TARGET is a folder, a manifest, or a file with install commands. uv resolves.
    """
    from torchlink import __version__
    from torchlink.cli.progress import ShownProgress
    from torchlink.model.question import Question
    from torchlink.pins.lock import lock
    from torchlink.pins.resolver import means_for_plain
    from torchlink.pins.store import open_store
    from torchlink.pins.write import write

    question = Question(python_version=python_version, platform=platform, as_of=as_of, offline=offline)
    folder = output or (target if target.is_dir() else target.parent)
    with ShownProgress() as progress, open_store(True, __version__) as store:
        means = means_for_plain(question, python, os.environ, store, progress)
        progress("resolving with uv", 0, 0)
        found = lock(target, folder, means, extras, groups)
    folder.mkdir(parents=True, exist_ok=True)
    write([one for one in found.changes if one.before != one.after])
    click.echo(f"{found.packages} packages in {folder / 'pylock.toml'} and {folder / 'constraints.txt'}.", err=True)
    return 0
