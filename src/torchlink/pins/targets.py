"""Which build of torch a project is set to: the version that it pins, with the tag of a machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torchlink.model.errors import TorchlinkError
from torchlink.pins.backends import chosen_tag
from torchlink.pins.companions import exact_today
from torchlink.read.bounded import read_bounded
from torchlink.read.machine import read_machine
from torchlink.read.pins.survey import read_pins
from torchlink.report.machine import load

_LARGEST = 4 * 2**20


def with_backend(
    project: Path, wanted: Mapping[str, str], backend: str, machine: Path | None, variables: Mapping[str, str]
) -> tuple[dict[str, str], str]:
    """The versions that are wanted with torch's tag in them, and what must be said of it.

    Args:
        project: The project, whose own version of torch counts where none is wanted.
        wanted: Versions by their names.
        backend: A tag, or ``auto``.
        machine: A file that describes the machine; ``None`` for this one.
        variables: The environment.

    Raises:
        TorchlinkError: No torch is pinned or wanted, or no build fits.
    """
    version = wanted.get("torch") or exact_today(read_pins(project)).get("torch", "")
    if not version:
        mend = "name one: torchlink pins set torch==VERSION --backend TAG"
        raise TorchlinkError("no place pins torch exactly", where=str(project), mend=mend)
    if machine is None:
        target = read_machine(variables)
    else:
        target = load(read_bounded(machine, _LARGEST).decode("utf-8", "replace"), str(machine))
    tag, told = chosen_tag(backend, version, target)
    return {**wanted, "torch": f"{version.partition('+')[0]}+{tag}"}, told
