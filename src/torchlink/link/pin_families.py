"""Packages that are pinned together and whose releases do not go together: ``torch==2.3.1`` beside
``torchvision==0.18.0``, whose metadata wants torch 2.3.0. The facts are the releases' own, never a table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from torchlink.link.pin_pairs import Placed, exact, placed_pins, seen, shown, together, told
from torchlink.link.ranges import admits, exclude
from torchlink.model.names import normalise
from torchlink.model.pins import FileKind, Pin, PinSurvey
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity, Undecided

_INSTALLS = (FileKind.MANIFEST, FileKind.SCRIPT, FileKind.SOURCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """What a release requires."""

    lines: tuple[str, ...] = ()
    """``Requires-Dist``, verbatim."""
    inferred_from: str = ""
    """The version of the sibling build whose metadata this is."""
    problem: str = ""
    """Why it is not known."""


class Releases(Protocol):
    """Where facts about releases come from."""

    def requires(self, name: str, version: str) -> Required:
        """What a release requires."""
        ...


def pinned_releases(survey: PinSurvey) -> list[tuple[str, str]]:
    """The releases that something installs exactly: those whose metadata counts. Empty where only one is pinned."""
    pins = placed_pins(survey)
    if len(pins) < 2:
        return []
    found = [(name, exact(pin)) for name, each in pins.items() for file, pin in each if file.kind in _INSTALLS]
    return list(dict.fromkeys((name, version) for name, version in found if version))


def link_families(survey: PinSurvey, releases: Releases, markers: Mapping[str, str]) -> Links:
    """Hold what each exactly pinned release requires against the other pins."""
    pins = placed_pins(survey)
    broken: list[Broken] = []
    unknown: dict[str, Undecided] = {}
    count = 0
    for name, each in sorted(pins.items()):
        for placed in each:
            version = exact(placed[1])
            if not version or placed[0].kind not in _INSTALLS:
                continue
            required = releases.requires(name, version)
            if required.problem:
                reason = f"what {name} {version} needs is not known: {required.problem}"
                one = Undecided(kind=Kind.PIN, artifact=placed[1].place.label, reason=reason, reached=False)
                unknown.setdefault(f"{name} {version}", one)
                continue
            wanted = _wanted(required.lines, markers)
            count += len(wanted)
            broken.extend(_out_of_step(name, placed, required, wanted, pins))
    return Links(broken=tuple(dict.fromkeys(broken)), undecided=tuple(unknown.values()), references=count)


def _wanted(lines: Sequence[str], markers: Mapping[str, str]) -> dict[str, str]:
    """What holds without an extra, by name."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines:
        try:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({**markers, "extra": ""}):
                found[normalise(requirement.name)].append(str(requirement.specifier))
        except (InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName, ValueError):
            continue
    return {name: ",".join(filter(None, ranges)) for name, ranges in found.items()}


def _out_of_step(
    name: str,
    placed: Placed,
    required: Required,
    wanted: Mapping[str, str],
    pins: Mapping[str, Sequence[Placed]],
) -> Iterator[Broken]:
    for other, wanted_range in wanted.items():
        if not wanted_range:
            continue
        for partner in _partners(placed, pins.get(other, ())):
            specifier = partner[1].specifier or ""
            if exclude(wanted_range, specifier):
                yield _broken(name, placed, required, f"{other}{wanted_range}", other, partner, Severity.RISK)
            elif (floor := _floor(partner[1])) and not admits(wanted_range, floor):
                yield _broken(name, placed, required, f"{other}{wanted_range}", other, partner, Severity.NOTE)


def _floor(pin: Pin) -> str:
    """The version that a range begins with, where it has no other bound."""
    clauses = [clause.version for clause in pin.clauses if clause.operator in (">=", "^", "~=")]
    return clauses[0] if len(clauses) == len(pin.clauses) == 1 else ""


def _partners(placed: Placed, others: Sequence[Placed]) -> list[Placed]:
    """The pins that hold together with one: those of its own file, for files that disagree are told; else all."""
    near = [other for other in others if not told(other) and together(placed, other)]
    own = [other for other in near if other[0].file == placed[0].file]
    return own or near


def _broken(
    name: str, placed: Placed, required: Required, target: str, other: str, partner: Placed, severity: Severity
) -> Broken:
    version = exact(placed[1])
    public, _, local = version.partition("+")
    by = f"the metadata of {name} {required.inferred_from or version}"
    inferred = f", of which +{local} is another build" if required.inferred_from else ""
    if severity is Severity.RISK:
        tail = f"{partner[1].place.label} wants {other}{shown(partner[1])}"
    else:
        tail = f"{partner[1].place.label} admits older ones ({other}{shown(partner[1])})"
    return Broken(
        kind=Kind.PIN,
        severity=severity,
        needer=Party(type=PartyType.PACKAGE, name=name, version=public, build=f"+{local}" if local else ""),
        provider=Party(type=PartyType.PACKAGE, name=other, version=exact(partner[1])),
        target=target,
        cause=f"{name} {version} needs {target}, and {tail}: so says {by}{inferred}",
        evidence=(seen(placed[1]), seen(partner[1]), Evidence(artifact=by, detail=f"Requires-Dist: {target}")),
        culprits=("pins",),
    )
