"""Other releases of a package in the place of one: which of them have the same trouble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from torchlink.catalog.releases import shipped, suits
from torchlink.catalog.wheels import Pin, Wheels
from torchlink.link.releases import fit_with_torch
from torchlink.model.finding import Finding
from torchlink.model.matrix import Fit
from torchlink.model.reference import Kind
from torchlink.solve.lessons import Lesson, by_trying, leaves_out, torch_exported
from torchlink.solve.releases import final_releases
from torchlink.solve.wheel_set import Judge, WheelSet

LARGE = 150 * 2**20
"""Releases of this size are not tried one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Where other releases are tried."""

    finding: Finding
    answer: WheelSet
    wheels: Wheels
    versions: Mapping[str, str]
    """Of everything there is, by name."""
    allowed: SpecifierSet
    """The versions of the package that may be tried at all."""
    judge: Judge
    known: dict[tuple[str, ...], bool]
    """What earlier trials have shown: whether a release fails with the same release on the other side."""


def other_releases(trial: Trial, name: str) -> Lesson:
    """Put other releases in the place of one, and see whether the same trouble is there.

    Those whose shipped facts do not go with the torch at hand are not tried: they would only exchange the trouble.
    """
    present, why = trial.versions[name].partition("+")[0], trial.finding.title
    placed = next((one for one in trial.answer.placed if one.name == name), None)
    every = final_releases(name, trial.wheels, trial.answer.interpreter.version)
    releases = [one for one in every if trial.allowed.contains(one, prereleases=True)]
    if placed is not None and placed.size > LARGE:
        return Lesson(name=name, specifier=_of_a_large_one(trial, present, releases), why=why)
    if placed is None or len(releases) < 2:
        return Lesson(name=name, specifier=f"!={present}", why=why)
    refuted = frozenset() if name == "torch" else _of_other_torch(name, trial)
    return by_trying(name, present, releases, lambda version: _fails(trial, name, version), why, refuted)


def _of_a_large_one(trial: Trial, present: str, releases: Sequence[str]) -> str:
    """Its whole minor release is left out, because each costs a gigabyte. A version that is refused by name says
    nothing of the next patch: where no other minor release is left, that is tried too."""
    minor = f"!={'.'.join(present.split('.')[:2])}.*"
    is_refused_by_name = trial.finding.kind is Kind.GATE
    is_last = not any(SpecifierSet(minor).contains(one) for one in releases)
    return f"!={present}" if is_refused_by_name and is_last else minor


def _fails(trial: Trial, name: str, version: str) -> bool:
    finding = trial.finding
    key = (name, version, _beside(trial, name), finding.kind.value, finding.severity.value)
    if key not in trial.known:
        trial.known[key] = _fails_now(trial, name, version)
    return trial.known[key]


def _beside(trial: Trial, name: str) -> str:
    """What stands on the other side: one release, or all the others where a package lacks something of itself."""
    finding = trial.finding
    if finding.needer.name == finding.provider.name:
        return " ".join(f"{other}=={version}" for other, version in trial.versions.items() if other != name)
    return finding.needer.label if name == finding.provider.name else finding.provider.label


def _fails_now(trial: Trial, name: str, version: str) -> bool:
    (other,) = trial.wheels.place([Pin(name=name, version=version)])
    shown = torch_exported(other)
    if other.wheel is None or (shown is not None and leaves_out(shown, trial.versions.get("torch", ""))):
        return True
    kept = tuple(one for one in trial.answer.placed if one.name != name)
    report = trial.judge(replace(trial.answer, placed=(*kept, other)))
    alike = _is_as_bad if name == trial.finding.needer.name else _is_same
    return any(alike(one, trial.finding) for one in report.findings)


def _is_same(one: Finding, other: Finding) -> bool:
    pair = (one.kind, one.needer.name, one.provider.name)
    return pair == (other.kind, other.needer.name, other.provider.name) and one.severity is other.severity


def _is_as_bad(one: Finding, other: Finding) -> bool:
    """Another release of the needer may miss another thing of the same provider, or of itself for its sake."""
    needer = other.needer.name
    is_alike = one.needer.name == needer and one.provider.name in {needer, other.provider.name}
    return is_alike and one.severity.rank <= other.severity.rank


def _of_other_torch(name: str, trial: Trial) -> frozenset[str]:
    """The releases whose C++ was built for another torch than the one at hand, as far as their facts ship."""
    torch = trial.versions.get("torch")
    if torch is None:
        return frozenset()
    supported = frozenset(trial.wheels.tags)
    suiting = (fact for fact in shipped(name).values() if suits(fact, supported))
    cells = ((fact.version, fit_with_torch(fact, Version(torch))) for fact in suiting)
    return frozenset(version for version, cell in cells if cell is not None and cell.fit is Fit.BREAKS)
