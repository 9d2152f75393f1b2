"""``torchlink checkpoint``: checkpoint files, without torch and without loading them."""

from __future__ import annotations

from importlib import import_module

import click

_VERBS = ("inspect", "scan", "verify", "convert", "repair", "extract", "diff", "list")


class _Verbs(click.Group):
    """Imports the command that is asked for, and no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _VERBS:
            return None
        found = import_module(f"torchlink.cli.checkpoint.{cmd_name}").command
        return found if isinstance(found, click.Command) else None


@click.group(cls=_Verbs)
def checkpoint() -> None:
    """Look into checkpoint files, check, convert and repair them.

    Needs no torch, and never unpickles what it reads.
    """


command = checkpoint
