"""Builds of the PyTorch family for different compute platforms in one environment: ``+cu121`` beside ``+cpu``.

The platform is read from the local version, as the PyTorch indexes and the projects that follow them write it
(``+cu121``, ``+cpu``, ``+rocm5.7``, ``+xpu``, ``+pt23cu121``, ``+cu12torch2.3cxx11abiFALSE``). A distribution without a
local version says nothing here.
"""

from __future__ import annotations

import re

from torchlink.link.parties import package, seen_at
from torchlink.model.environment import Distribution, Environment
from torchlink.model.reference import Broken, Kind, Links, Severity

_PLATFORM = re.compile(r"(?<![a-z])(cpu|xpu|cu\d{2,3}|rocm\d+(?:[._]\d+)*)")


def compute_platform(version: str) -> str:
    """Return the compute platform in a version's local part, as ``cu121``; empty where it names none."""
    local = version.partition("+")[2].lower()
    match = _PLATFORM.search(local)
    return match[1] if match else ""


def agree(one: str, other: str) -> bool:
    """Whether two compute platforms are the same, as far as both say: ``cu12`` and ``cu121`` are."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    if shorter.startswith("cu") and shorter[2:].isdecimal() and longer[2:].isdecimal():
        return len(shorter) == 4 and longer.startswith(shorter)
    return shorter.startswith("rocm") and longer.startswith(f"{shorter}.")


def link_builds(environment: Environment) -> Links:
    """Compare every build that names a compute platform with torch's, or with the first one where torch names none."""
    built = [(one, compute_platform(one.version)) for one in _first_of_each(environment)]
    named = [(one, platform) for one, platform in built if platform]
    if len(named) < 2:
        return Links(references=len(named))
    reference = next(((one, platform) for one, platform in named if one.name == "torch"), named[0])
    broken = tuple(
        _mixed(one, platform, reference, environment)
        for one, platform in named
        if one is not reference[0] and not agree(platform, reference[1])
    )
    return Links(broken=broken, references=len(named))


def _first_of_each(environment: Environment) -> list[Distribution]:
    first: dict[str, Distribution] = {}
    for distribution in environment.distributions:
        first.setdefault(distribution.name, distribution)
    return list(first.values())


def _mixed(
    needer: Distribution, platform: str, reference: tuple[Distribution, str], environment: Environment
) -> Broken:
    provider, other = reference
    return Broken(
        kind=Kind.REQUIRES,
        severity=Severity.RISK,
        needer=package(needer),
        provider=package(provider),
        target=f"a {platform} build of {provider.name}",
        cause=f"{needer.label} was built for {platform}, and {provider.label} for {other}",
        evidence=tuple(
            seen_at(one.metadata_path, f"Version: {one.version}", environment) for one in (needer, provider)
        ),
    )
