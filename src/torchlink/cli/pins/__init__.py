"""``torchlink pins``: every version pin of a project, in every kind of file."""

from __future__ import annotations

from importlib import import_module

import click

_VERBS = ("show", "set", "hold", "play", "lock")


class _Verbs(click.Group):
    """Imports the verb that is asked for; without one, ``show`` is."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in _VERBS and args[0] not in ("-h", "--help")):
            args = ["show", *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _VERBS:
            return None
        found = import_module(f"torchlink.cli.pins.{cmd_name}").command
        return found if isinstance(found, click.Command) else None


@click.group(cls=_Verbs)
def pins() -> None:
    """List and compare every version pin of a project, and change them together.

    `torchlink pins PROJECT` is `torchlink pins show PROJECT`.
    """
