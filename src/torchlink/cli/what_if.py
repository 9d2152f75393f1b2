"""The options of a what-if target, the same for every command that takes one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, TypeVar

import click

from torchlink.model.question import Question

_Command = TypeVar("_Command", bound=Callable[..., object])
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


class WhatIf(TypedDict):
    """The options as click gives them."""

    frozen: Path | None
    requirements: tuple[Path, ...]
    added: tuple[str, ...]
    constraints: tuple[Path, ...]
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    python_version: str
    platform: str
    index_url: str
    as_of: str
    offline: bool
    fresh: bool
    builds: bool
    bisect: bool


_OPTIONS = (
    click.option("--frozen", type=_FILE, help="Judge exactly the set that a freeze or lock file names."),
    click.option("-r", "--requirements", type=_FILE, multiple=True, help="Resolve this file with uv, and judge that."),
    click.option("--with", "added", metavar="REQ", multiple=True, help="Judge what installing this would make of it."),
    click.option("--fresh", is_flag=True, help="Judge PROJECT as if it were installed today."),
    click.option("-c", "--constraints", type=_FILE, multiple=True, help="Constraints for the resolution."),
    click.option("--extra", "extras", multiple=True, help="An extra of the project's own to resolve."),
    click.option("--group", "groups", multiple=True, help="A dependency group to resolve."),
    click.option("--python-version", metavar="X.Y", default="", help="Judge for this Python."),
    click.option("--platform", metavar="TAG", default="", help="Judge for this platform, such as win_amd64."),
    click.option("--index-url", metavar="URL", default="", help="The index to use instead of the configured one."),
    click.option("--as-of", metavar="DATE", default="", help="Resolve with what was released by this day."),
    click.option("--allow-builds", "builds", is_flag=True, help="Let uv run build scripts of what is only source."),
    click.option("--bisect", is_flag=True, help="Say which release broke what is resolved, and when."),
    click.option("--offline", is_flag=True, help="Ask no index; use what was read before."),
)


def what_if_options(command: _Command) -> _Command:
    """Give a command the options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def asked(options: WhatIf) -> Question | None:
    """The question that the options ask; ``None`` where they ask about what is installed.

    Raises:
        click.UsageError: they contradict each other.
    """
    question = question_of(options)
    leads = question.frozen is not None or question.fresh or bool(question.requirements or question.added)
    if not leads and question != Question():
        raise click.UsageError("this option needs a target: give --frozen, --requirements, --fresh or --with.")
    return question if leads else None


def question_of(options: WhatIf) -> Question:
    """The question that the options ask, an empty one for what is installed.

    Raises:
        click.UsageError: they contradict each other.
    """
    question = Question(**options)
    leads = question.fresh or bool(question.requirements or question.added)
    if question.frozen is not None and leads:
        raise click.UsageError("--frozen names the whole set: it goes with no other target.")
    if question.bisect and not (question.fresh or question.requirements):
        raise click.UsageError("--bisect resolves a set again and again: it needs --requirements or --fresh.")
    if question.fresh and question.requirements:
        raise click.UsageError("--fresh takes the project's own files: it does not go with --requirements.")
    if question.frozen is not None and (question.constraints or question.as_of):
        raise click.UsageError("--frozen resolves nothing: --constraints and --as-of have no meaning with it.")
    if question.frozen is not None and question.frozen.name != "uv.lock" and (question.extras or question.groups):
        raise click.UsageError("--extra and --group choose from a project's files, or from its uv.lock.")
    return question
