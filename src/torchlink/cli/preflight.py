"""``torchlink preflight``: a fast yes or no for the start-up of a program or a container."""

from __future__ import annotations

from pathlib import Path

import click

from torchlink.cli.changed import DEBUG, PYTHON

_POLICIES = ("break", "risk", "unknown")


@click.command()
@click.argument("project", required=False, type=click.Path(path_type=Path))
@PYTHON
@click.option("--policy", type=click.Choice(_POLICIES), default="break", show_default=True, help="What is fatal.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use what earlier runs have read.")
@DEBUG
def preflight(project: Path | None, python: Path | None, policy: str, cache: bool, debug: bool) -> int:  # noqa: ARG001
    """Say whether an environment is sound: an exit code, and one JSON document.

    Where nothing was installed since an earlier run, the answer comes from what that one has kept. Exits with 0 for
    yes, 1 for no, 2 where there is no environment to look at.
    """
    from torchlink import startup
    from torchlink.cli import surface
    from torchlink.model.errors import TorchlinkError
    from torchlink.report.changes_json import render_preflight

    answer = startup.examine(project, python, policy=policy, cache=cache)
    surface.write(render_preflight(answer), None)
    if answer.note:
        raise TorchlinkError(answer.note)
    return int(not answer.ok)
