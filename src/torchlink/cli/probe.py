"""``torchlink probe``: the functional checks alone."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from torchlink.cli import surface
from torchlink.cli.changed import DEBUG, FORM, PYTHON

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("project", required=False, type=click.Path(path_type=Path))
@click.option("--checkpoint", "checkpoints", type=_FILE, multiple=True, help="Load this file as torch.load does.")
@click.option("--verify/--no-verify", default=True, show_default=True, help="Run the project's own verify command.")
@click.option("--timeout", type=float, default=300.0, show_default=True, help="Seconds that each probe may take.")
@click.option("--memory", type=int, default=16, show_default=True, help="GiB that each probe may take.")
@click.option("--network", is_flag=True, help="Let probes open connections.")
@PYTHON
@FORM
@DEBUG
def probe(
    project: Path | None,
    checkpoints: tuple[Path, ...],
    verify: bool,
    timeout: float,
    memory: int,
    network: bool,
    python: Path | None,
    form: str,
    debug: bool,  # noqa: ARG001 - read in cli/main.py
) -> int:
    """Run small functional checks in an environment: imports, the NumPy bridge, operators, a training step.

    Unlike the other commands, this one runs what is installed: each probe in a process of its own that may crash, with
    limits on its time and memory, and without network. --checkpoint also loads a file as torch.load does, which can run
    code that is in it. Exits with 1 where a probe failed.
    """
    from torchlink import change
    from torchlink.model.probe import ProbeStatus
    from torchlink.probe.run import Limits
    from torchlink.report import changes, changes_json

    limits = Limits(seconds=timeout, memory_bytes=memory * 2**30, network=network)
    results = change.probe(change.place(project, python), checkpoints=checkpoints, verified=verify, limits=limits)
    if form == "json":
        text = changes_json.render_probes(results)
    else:
        text = changes.render_probes(results, width=surface.width(), colour=surface.takes_colour(sys.stdout))
    surface.write(text, None)
    return int(any(one.status not in (ProbeStatus.PASSED, ProbeStatus.SKIPPED) for one in results))
