"""What the installation itself shows: double installs, copies on the search path, modules that no metadata knows."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator

from torchlink.link.parties import absent, package, relative, seen_at
from torchlink.model.environment import Copies, Distribution, DistributionKind, Environment, PathOrigin
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity, Undecided

_OVERRIDING = frozenset({PathOrigin.PYTHONPATH, PathOrigin.USER_SITE})


def link_installs(environment: Environment) -> Links:
    """Judge how the environment was put together."""
    broken = (*_double_installs(environment), *_copies(environment), *_unowned(environment))
    return Links(broken=broken, undecided=tuple(_unread(environment)), references=len(environment.distributions))


def _double_installs(environment: Environment) -> Iterator[Broken]:
    """Two installs of one distribution in one folder: the files are a mixture, and which metadata counts is chance."""
    places: defaultdict[tuple[str, str], list[Distribution]] = defaultdict(list)
    for distribution in environment.distributions:
        if distribution.kind is not DistributionKind.CONDA:
            places[distribution.root, distribution.name].append(distribution)
    for (root, name), same in places.items():
        if len(same) < 2:
            continue
        versions = sorted({distribution.version for distribution in same})
        mixed = len(versions) > 1
        yield Broken(
            kind=Kind.REQUIRES,
            severity=Severity.RISK if mixed else Severity.NOTE,
            needer=package(same[0]),
            provider=package(same[1]),
            target=f"a site-packages folder without another {name}",
            cause=f"{name} is installed twice in {relative(root, environment)}"
            + (f", as {' and '.join(versions)}: its files may be a mixture of both" if mixed else f" as {versions[0]}"),
            evidence=tuple(seen_at(one.metadata_path, f"metadata of {one.label}", environment) for one in same[:3]),
            culprits=("install",),
        )


def _copies(environment: Environment) -> Iterator[Broken]:
    origins = {entry.path: entry.origin for entry in environment.search_path}
    owners = {(one.root, name): one for one in environment.distributions for name in one.top_level}
    for copies in environment.copies:
        winner, loser = copies.paths[0], copies.paths[1]
        if origins.get(_folder(winner)) is PathOrigin.STDLIB:
            continue  # a backport that this Python no longer needs: harmless
        yield _copy(
            copies,
            origins,
            owners.get((_folder(winner), copies.name)),
            owners.get((_folder(loser), copies.name)),
        )


def _copy(
    copies: Copies,
    origins: dict[str, PathOrigin],
    winner: Distribution | None,
    loser: Distribution | None,
) -> Broken:
    first, second = copies.paths[0], copies.paths[1]
    origin = origins.get(_folder(first))
    same_version = winner is not None and loser is not None and winner.version == loser.version
    hides = origin in _OVERRIDING and not same_version
    over_stdlib = origins.get(_folder(second)) is PathOrigin.STDLIB
    why = f" (on {origin.value})" if origin in _OVERRIDING and origin else ""
    what = "the standard library's module" if over_stdlib else second
    return Broken(
        kind=Kind.IMPORT,
        severity=Severity.RISK if hides or over_stdlib else Severity.NOTE,
        needer=package(loser) if loser else Party(type=PartyType.FILE, name=copies.name, path=second),
        provider=package(winner) if winner else Party(type=PartyType.FILE, name=copies.name, path=first),
        target=copies.name,
        cause=f"{copies.name} lies in {len(copies.paths)} folders of the search path; Python takes {first}{why}, "
        f"not {what}",
        evidence=tuple(Evidence(artifact=path, detail=f"a copy of {copies.name}") for path in copies.paths[:3]),
        culprits=("install",),
    )


def _folder(path: str) -> str:
    return path.rpartition(os.sep)[0]


def _unowned(environment: Environment) -> Iterator[Broken]:
    for path in environment.unowned:
        name = path.rpartition(os.sep)[2].partition(".")[0]
        yield Broken(
            kind=Kind.REQUIRES,
            severity=Severity.NOTE,
            needer=Party(type=PartyType.FILE, name=name, path=path),
            provider=absent(name),
            target="metadata of its own",
            cause=f"{relative(path, environment)} belongs to no installed distribution: its version is not known",
            evidence=(seen_at(path, "no RECORD names it", environment),),
            culprits=("install",),
        )


def _unread(environment: Environment) -> Iterator[Undecided]:
    for distribution in environment.distributions:
        for problem in distribution.problems:
            yield Undecided(kind=Kind.REQUIRES, artifact=distribution.label, reason=problem, reached=False)
    for problem in environment.problems:
        yield Undecided(kind=Kind.IMPORT, artifact=environment.prefix, reason=problem, reached=False)
