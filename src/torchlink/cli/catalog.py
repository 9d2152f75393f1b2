"""``torchlink catalog``: facts about released wheels."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from torchlink.cli import surface
from torchlink.model.question import Question
from torchlink.report.wheel import FORMATS, render

_Command = TypeVar("_Command", bound=Callable[..., object])
_OPTIONS = (
    click.option("--python-version", metavar="X.Y", default="", help="The wheel for this Python."),
    click.option("--platform", metavar="TAG", default="", help="The wheel for this platform, such as win_amd64."),
    click.option("--index-url", metavar="URL", default="", help="The index to use instead of the configured one."),
    click.option("--debug", is_flag=True, help="Show the traceback of an error."),
)


def _which_wheel(command: _Command) -> _Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def catalog() -> None:
    """Show and read facts about released wheels."""


@catalog.command()
@click.argument("package")
@click.argument("version")
@_which_wheel
@click.option("--offline", is_flag=True, help="Ask no index; use what was read before.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True, help="What to print."
)
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use what earlier runs have read.")
def show(
    package: str,
    version: str,
    python_version: str,
    platform: str,
    index_url: str,
    offline: bool,
    form: str,
    cache: bool,
    debug: bool,  # noqa: ARG001 - read in cli/main.py, which prints every error
) -> int:
    """Show what is known of the wheel of PACKAGE VERSION, and from which bytes."""
    from torchlink import pipeline
    from torchlink.cli.progress import ShownProgress

    question = Question(python_version=python_version, platform=platform, index_url=index_url, offline=offline)
    with ShownProgress() as progress:
        wheel = pipeline.wheel_facts(package, version, question, cache=cache, progress=progress)
    surface.write(render(wheel, form=form, width=surface.width(), colour=surface.takes_colour(sys.stdout)), None)
    return 0


@catalog.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_which_wheel
def build(
    file: Path,
    python_version: str,
    platform: str,
    index_url: str,
    debug: bool,  # noqa: ARG001 - read in cli/main.py, which prints every error
) -> int:
    """Read the wheels of the releases in FILE (name==version, a line each) into the cache.

    Questions about them then need no network. A release whose wheel cannot be read is told, and the others go on.
    """
    from torchlink import pipeline
    from torchlink.cli.progress import ShownProgress

    question = Question(python_version=python_version, platform=platform, index_url=index_url)
    with ShownProgress() as progress:
        for name, version, words in pipeline.mine(file, question, progress=progress):
            surface.write(f"{name} {version}: {words}\n", None)
    return 0
