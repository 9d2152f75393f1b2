"""The tag of PyTorch's builds for a machine: ``cu126``, ``rocm6.2``, ``cpu``. Which tags there are, the index says."""

from __future__ import annotations

import re
from collections.abc import Iterable

from torchlink.link.kernels import OLDEST_DRIVERS
from torchlink.model.errors import TorchlinkError
from torchlink.model.machine import Machine, Vendor
from torchlink.read.http import UnreachableError
from torchlink.read.index import files_on_index

INDEX = "https://download.pytorch.org/whl"
"""PyTorch's own index: below it, one for each tag."""
_TAG = re.compile(r"cpu|xpu|cu(?P<cuda>\d{2,3})|rocm(?P<rocm>\d+(?:\.\d+)+)")


def tags_of(version: str) -> tuple[str, ...]:
    """The tags that a version of torch was built with, by PyTorch's index.

    Raises:
        UnreachableError: The index is not reached.
    """
    public = version.partition("+")[0]
    builds = (file.version.partition("+") for file in files_on_index(INDEX, "torch") if file.is_wheel)
    return tuple(dict.fromkeys(tag for one, _, tag in builds if one == public and _TAG.fullmatch(tag)))


def chosen_tag(wanted: str, version: str, machine: Machine) -> tuple[str, str]:
    """The tag to use, and what must be said of it.

    Args:
        wanted: A tag, or ``auto`` for that of the machine.
        version: The version of torch.
        machine: The machine.

    Raises:
        TorchlinkError: It is no tag, torch has no such build, or ``auto`` cannot be answered.
    """
    if wanted != "auto" and not _TAG.fullmatch(wanted):
        raise TorchlinkError(f"{wanted!r} is no tag of a PyTorch build", mend="write cu126, rocm6.2, cpu, xpu or auto")
    try:
        there = tags_of(version)
    except UnreachableError:
        if wanted == "auto" and machine.gpus:
            mend = "name the tag: --backend cu126"
            raise TorchlinkError(
                "PyTorch's index is not reached, and it alone says which builds there are", mend=mend
            ) from None
        return (
            "cpu" if wanted == "auto" else wanted
        ), "PyTorch's index is not reached: whether there is such a build is unknown"
    if wanted == "auto":
        return best_tag(there, machine), ""
    if wanted not in there:
        raise TorchlinkError(f"torch {version} has no +{wanted} build", mend=f"there are: {', '.join(there) or 'none'}")
    return wanted, ""


def best_tag(there: Iterable[str], machine: Machine) -> str:
    """The newest tag that the machine's GPUs and driver bear.

    Raises:
        TorchlinkError: There is none.
    """
    tags = list(there)
    makers = {gpu.vendor for gpu in machine.gpus}
    if Vendor.NVIDIA in makers:
        found = [tag for tag in tags if _borne_by_driver(tag, machine)]
        # Within one CUDA major version a newer minor one runs too, with less of its features.
        known = [
            tag for tag in found if not machine.driver_cuda or _numbers(_cuda(tag)) <= _numbers(machine.driver_cuda)
        ]
        found = known or found
    elif Vendor.AMD in makers:
        found = [
            tag for tag in tags if (match := _TAG.fullmatch(tag)) and match["rocm"] and _borne_by_rocm(tag, machine)
        ]
    else:
        found = [tag for tag in tags if tag == "cpu"]
    if not found:
        shown = ", ".join(tags) or "none"
        raise TorchlinkError("no build is for this machine's GPU and driver", mend=f"there are: {shown}")
    return max(found, key=_numbers)


def _cuda(tag: str) -> str:
    """``cu126`` is CUDA 12.6, ``cu92`` 9.2."""
    match = _TAG.fullmatch(tag)
    digits = match["cuda"] if match and match["cuda"] else ""
    return f"{digits[:-1]}.{digits[-1:]}" if digits else ""


def _borne_by_driver(tag: str, machine: Machine) -> bool:
    cuda = _cuda(tag)
    oldest = OLDEST_DRIVERS.get(int(cuda.partition(".")[0])) if cuda else None
    return oldest is not None and (not machine.nvidia_driver or _numbers(machine.nvidia_driver)[0] >= oldest)


def _borne_by_rocm(tag: str, machine: Machine) -> bool:
    return not machine.rocm or _numbers(tag)[:2] <= _numbers(machine.rocm)[:2]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text))) or (0,)
