"""What a refuted pair teaches: the versions of one package that another cannot be with.

A lesson rests on facts that were read: the needer's own wheel (which NumPy it was built for, which releases of torch
export what it needs), the versions of a behaviour rule, or releases of the provider that were put in its place and
linked. Between two neighbours that fail alike the ones between them
count as failing too; whatever comes of that is linked again before anybody sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from packaging.version import Version

from torchlink.catalog.torch_exports import shipped_exports
from torchlink.link.torch_abi import Exporters, TorchApi, exporters, torch_api
from torchlink.model.exports import spans
from torchlink.model.finding import Finding
from torchlink.model.reference import Kind
from torchlink.read.wheel_environment import Placed
from torchlink.rules.behaviour import behaviour_rules

MOST_PROBES = 4
"""Releases that are tried on each side before the search goes on with another resolution."""

Fails = Callable[[str], bool]
"""Whether the same trouble is there with this version in the place of the present one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """``name`` must be within ``specifier``."""

    name: str
    specifier: str
    why: str
    excluded: str = ""
    """The releases that it excludes, in words."""


def from_facts(finding: Finding, needer: Placed | None) -> Lesson | None:
    """The bound that a behaviour rule has, or that the needer's own wheel shows; ``None`` where nothing says one."""
    provider = finding.provider
    if finding.kind is Kind.NUMPY_ABI and provider.name == "numpy":
        if Version(provider.version).major >= 2:
            return Lesson(name="numpy", specifier="<2", why=f"{finding.needer.label} was built for NumPy 1")
        level = _numpy_level(needer)
        if level:
            return Lesson(name="numpy", specifier=f">={level}", why=f"{finding.needer.label} needs NumPy {level}")
    if finding.kind is Kind.BEHAVIOUR and (before := _before(finding)):
        return Lesson(name=provider.name, specifier=before, why=finding.title)
    if provider.name == "torch" and (shown := torch_exported(needer)) and leaves_out(shown, provider.version):
        return Lesson(name="torch", specifier=_only(shown), why=f"{finding.needer.label}: {shown.told}")
    if provider.name == "torch" and finding.kind in {Kind.SYMBOL, Kind.LIBRARY}:
        built = _torch_pin(needer)
        if built and built != _minor(provider.version):
            return Lesson(
                name="torch", specifier=f"=={built}.*", why=f"{finding.needer.label} was built for torch {built}"
            )
        minor = _minor(provider.version)
        return Lesson(
            name="torch", specifier=f"!={minor}.*", why=f"{finding.needer.label} was not built for torch {minor}"
        )
    return None


def by_trying(
    name: str, present: str, releases: Sequence[str], fails: Fails, why: str, refuted: Collection[str] = frozenset()
) -> Lesson:
    """Exclude the releases around the present one that fail alike: gallop to one that does not, then bisect.

    Args:
        name: the package whose releases are tried.
        present: the version that failed.
        releases: its versions, oldest first.
        fails: asked about single releases.
        why: what is said of the lesson.
        refuted: releases that are known not to do; they are excluded without being tried.
    """
    every = sorted({*releases, present}, key=Version)
    tried = [one for one in every if one == present or one not in refuted]
    at = tried.index(present)
    newer = _edge(tried[at + 1 :], fails)
    older = _edge(tried[:at][::-1], fails)
    left_out = {*older, present, *newer, *refuted}
    excluded = [one for one in every if one in left_out]
    words = f"{name} {spans(excluded, every)}" + (f" ({len(excluded)} releases)" if len(excluded) > 1 else "")
    return Lesson(name=name, specifier=",".join(f"!={one}" for one in excluded), why=why, excluded=words)


def _edge(neighbours: Sequence[str], fails: Fails) -> list[str]:
    """The nearest neighbours that fail, as far as a few probes show."""
    bad, step, probes = 0, 1, 0
    good: int | None = None
    while bad < len(neighbours) and probes < MOST_PROBES:
        probes += 1
        probe = min(bad + step, len(neighbours)) - 1
        if not fails(neighbours[probe]):
            good = probe
            break
        bad, step = probe + 1, 3 * step
    while good is not None and good - bad > 0 and probes < 2 * MOST_PROBES:
        middle = (bad + good) // 2
        probes += 1
        if fails(neighbours[middle]):
            bad = middle + 1
        else:
            good = middle
    return list(neighbours[:bad])


def _numpy_level(needer: Placed | None) -> str:
    if needer is None or needer.wheel is None:
        return ""
    levels = [facts.numpy_level for facts in needer.wheel.natives().values() if facts.numpy_level]
    return max(levels, key=Version, default="")


def _before(finding: Finding) -> str:
    """The versions of the provider that behave as they did, by the rule that is told; empty where none is."""
    code = finding.id.rpartition(":")[2]
    rules = (one for one in behaviour_rules() if one.code == code and one.package == finding.provider.name)
    return next((one.before for one in rules), "")


def torch_exported(needer: Placed | None) -> Exporters | None:
    """The releases of torch that export all that the needer's libraries need; ``None`` where that excludes none."""
    if needer is None or needer.wheel is None:
        return None
    exports = shipped_exports()
    libraries = (facts.library for facts in needer.wheel.natives().values())
    found = [exporters(one, exports) for one in libraries if torch_api(one) is not TorchApi.NONE]
    sets = [frozenset(one.releases) for one in found if one.told]
    shown = Exporters(
        releases=tuple(one for one in exports.releases if all(one in each for each in sets)), every=exports.releases
    )
    return shown if shown.told else None


def leaves_out(shown: Exporters, torch: str) -> bool:
    """Whether a release of torch is one whose exports are known, and not enough."""
    public = torch.partition("+")[0]
    return public in shown.every and public not in shown.releases


def _only(shown: Exporters) -> str:
    """Without the releases whose wheels do not export what is needed; of those that were not read nothing is said."""
    return ",".join(f"!={one}" for one in shown.every if one not in shown.releases)


def _torch_pin(needer: Placed | None) -> str:
    """The minor release of torch that the needer's metadata pins; empty where it pins none."""
    if needer is None or needer.wheel is None:
        return ""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in needer.wheel.core.requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        pins = [one.version for one in requirement.specifier if one.operator == "=="]
        if requirement.name == "torch" and len(pins) == 1 and "extra" not in str(requirement.marker or ""):
            return _minor(pins[0])
    return ""


def _minor(version: str) -> str:
    return ".".join(version.partition("+")[0].split(".")[:2])
