"""``pin``: the files of one project must agree about the versions that they want.

Only pins that can hold together are compared: not those of two extras, of two branches of a script, or of two files
that are made for different machines (``requirements-cpu.txt``, ``requirements-cuda.txt``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import PurePosixPath

from torchlink.link.pin_pairs import (
    COMPARED,
    Placed,
    exact,
    placed_pins,
    rank,
    seen,
    severity_of,
    shown,
    together,
    told,
)
from torchlink.link.pin_tags import link_tags
from torchlink.link.ranges import admits, exclude
from torchlink.model.pins import FileKind, Pin, PinSurvey, Role
from torchlink.model.reference import Broken, Kind, Links, Party, PartyType, Severity, Undecided

_MOST_PINS = 300
_LOCKS = {
    "uv.lock": "pyproject.toml",
    "poetry.lock": "pyproject.toml",
    "pdm.lock": "pyproject.toml",
    "pylock.toml": "pyproject.toml",
    "Pipfile.lock": "Pipfile",
}


def link_pins(survey: PinSurvey) -> Links:
    """Compare the pins of a project with each other."""
    by_name = placed_pins(survey)
    broken = [
        one
        for name, placed in sorted(by_name.items())
        for one in (*_disagreements(name, placed), *_stale_locks(name, placed))
    ]
    broken.extend(link_tags(survey))
    broken.extend(_lost_bounds(survey))
    undecided = [
        Undecided(
            kind=Kind.PIN, artifact=f"{one.file}:{one.line}" if one.line else one.file, reason=one.reason, reached=False
        )
        for one in (*survey.unread, *(unread for file in survey.files for unread in file.unread))
    ]
    undecided.extend(
        Undecided(kind=Kind.PIN, artifact=pin.place.label, reason=f"{pin.name}{pin.wanted}: {pin.note}", reached=False)
        for pin in survey.pins
        if pin.specifier is None and pin.note
    )
    return Links(broken=tuple(broken), undecided=tuple(undecided), references=len(survey.pins))


# The same package in versions that exclude each other


def _disagreements(name: str, placed: Sequence[Placed]) -> Iterator[Broken]:
    """One reference for each pin that disagrees with others: with the one whose word counts most."""
    compared = [one for one in placed if one[1].role in COMPARED or one[1].role is Role.MENTION][:_MOST_PINS]
    pairs = [pair for pair in combinations(compared, 2) if _disagree(*pair)]
    against = Counter(id(one[1]) for pair in pairs if severity_of(*pair) is not Severity.NOTE for one in pair)
    opponents: dict[int, tuple[Placed, list[Placed]]] = {}
    for pair in pairs:
        reference, odd = sorted(pair, key=lambda one: (told(one), against[id(one[1])], rank(one)))
        opponents.setdefault(id(odd[1]), (odd, []))[1].append(reference)
    for odd, references in opponents.values():
        # That a document does not say what a file says which is itself the odd one is nothing new.
        references = [one for one in references if id(one[1]) not in opponents] if told(odd) else references
        if not references:
            continue
        yield _disagreement(name, odd, min(references, key=lambda one: (severity_of(odd, one).rank, rank(one))))


def _disagree(one: Placed, other: Placed) -> bool:
    if _same_but_for_tag(one[1], other[1]) or not together(one, other):
        return False
    return exclude(one[1].specifier or "", other[1].specifier or "")


def _same_but_for_tag(one: Pin, other: Pin) -> bool:
    """Two builds of one version: that is told by its tag."""
    versions = [pin.clauses[0].version.partition("+") for pin in (one, other) if len(pin.clauses) == 1]
    return len(versions) == 2 and versions[0][0] == versions[1][0] and versions[0][2] != versions[1][2]


def _disagreement(name: str, odd: Placed, reference: Placed) -> Broken:
    file, pin = odd
    return Broken(
        kind=Kind.PIN,
        severity=severity_of(odd, reference),
        needer=Party(type=PartyType.FILE, name=file.file),
        provider=Party(type=PartyType.PACKAGE, name=name, version=exact(reference[1])),
        target=f"{name}{shown(pin)}",
        cause=f"{pin.place.label} wants {name}{shown(pin)}, and {reference[1].place.label} wants "
        f"{name}{shown(reference[1])}: no version is both",
        evidence=(seen(pin), seen(reference[1])),
        culprits=("pins",),
    )


# A lock that its manifest no longer admits


def _stale_locks(name: str, placed: Sequence[Placed]) -> Iterator[Broken]:
    locked: defaultdict[str, list[Placed]] = defaultdict(list)
    for file, pin in placed:
        if file.kind is FileKind.LOCK:
            locked[file.file].append((file, pin))
    for path, pins in locked.items():
        manifest = str(PurePosixPath(path).with_name(_LOCKS.get(pins[0][0].format, "")))
        for file, pin in placed:
            if file.file != manifest or pin.role is Role.CONSTRAINT or pin.context == "build":
                continue
            if not any(admits(pin.specifier or "", one.clauses[0].version) for _, one in pins if one.clauses):
                yield _stale(name, pins[0], (file, pin))


def _stale(name: str, lock: Placed, manifest: Placed) -> Broken:
    version = lock[1].clauses[0].version
    return Broken(
        kind=Kind.PIN,
        severity=Severity.RISK,
        needer=Party(type=PartyType.FILE, name=lock[0].file),
        provider=Party(type=PartyType.PACKAGE, name=name, version=version),
        target=f"{name} {version}",
        cause=f"{lock[0].file} holds {name} {version}, which {manifest[1].place.label} no longer admits: it wants "
        f"{name}{shown(manifest[1])}",
        evidence=(seen(manifest[1]), seen(lock[1])),
        culprits=("pins",),
    )


# Bounds that the shell takes away


def _lost_bounds(survey: PinSurvey) -> Iterator[Broken]:
    for file in survey.files:
        for step in file.steps if file.kind is not FileKind.DOCUMENT else ():
            for pin in step.pins:
                if pin.note and not pin.wanted and "redirection" in pin.note:
                    yield Broken(
                        kind=Kind.PIN,
                        severity=Severity.RISK,
                        needer=Party(type=PartyType.FILE, name=file.file),
                        provider=Party(type=PartyType.PACKAGE, name=pin.name),
                        target=f"a bound on {pin.name}",
                        cause=f"{pin.place.label} has an unquoted > behind {pin.name}: {pin.note}",
                        evidence=(seen(pin),),
                        culprits=("pins",),
                    )
