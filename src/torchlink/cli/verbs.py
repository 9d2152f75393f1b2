"""A command with commands below it, of which only the one that is asked for is imported."""

from __future__ import annotations

from importlib import import_module

import click


class Verbs(click.Group):
    """Finds ``command`` in a module of its package that is named like the verb."""

    package = ""
    verbs: tuple[str, ...] = ()

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs, in the order in which help shows them."""
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of a verb; ``None`` for a word that is none."""
        if cmd_name not in self.verbs:
            return None
        found = import_module(f"{self.package}.{cmd_name}").command
        return found if isinstance(found, click.Command) else None
