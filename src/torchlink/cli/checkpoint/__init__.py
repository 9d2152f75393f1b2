"""``torchlink checkpoint``: checkpoint files, without torch and without loading them."""

from __future__ import annotations

import click

from torchlink.cli.verbs import Verbs


class _Verbs(Verbs):
    package = __name__
    verbs = ("inspect", "scan", "verify", "convert", "repair", "extract", "diff", "list")


@click.group(cls=_Verbs)
def checkpoint() -> None:
    """Look into checkpoint files, check, convert and repair them.

    Needs no torch, and never unpickles what it reads.
    """


command = checkpoint
