"""``torchlink pins``: every version pin of a project, in every kind of file."""

from __future__ import annotations

import click

from torchlink.cli.verbs import Verbs


class _Verbs(Verbs):
    """Without a verb, ``show`` is meant."""

    package = __name__
    verbs = ("show", "set", "hold", "play", "lock")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.verbs and args[0] not in ("-h", "--help")):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Verbs)
def pins() -> None:
    """List and compare every version pin of a project, and change them together.

    `torchlink pins PROJECT` is `torchlink pins show PROJECT`.
    """
