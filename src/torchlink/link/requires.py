"""``requires``: what the metadata of one distribution asks of the others, and what the installation itself says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from packaging.specifiers import InvalidSpecifier
from packaging.version import Version

from torchlink.link.builds import link_builds
from torchlink.link.installs import link_installs
from torchlink.link.parties import absent, package, python, seen_at
from torchlink.link.requirements import Need, Unclear, active_needs, parse_specifier, providers
from torchlink.model.environment import Distribution, DistributionKind, Environment
from torchlink.model.reference import Broken, Kind, Links, Party, Severity, Undecided

_FLAVOUR = re.compile(r"(cpu|gpu|headless|binary|contrib|simd|nightly|lite|slim)")
"""Words that tell variants of one project apart, by convention: they install the same modules."""

_Installed = Mapping[str, Sequence[Distribution]]


def link_requires(environment: Environment) -> Links:
    """Resolve every requirement, as ``pip check`` does, with the extras that are asked for.

    A violated range and a missing distribution are risks here: other evidence makes them a break.
    """
    installed = providers(environment)
    broken: list[Broken] = []
    undecided: list[Undecided] = []
    count = 0
    for need in active_needs(environment):
        count += 1
        if isinstance(need, Unclear):
            undecided.append(_undecided(need.needer, f"{need.line!r}: {need.reason}"))
            continue
        result = _resolve(need, installed, environment)
        if isinstance(result, Broken):
            broken.append(result)
        elif isinstance(result, Undecided):
            undecided.append(result)
    pythons = [_requires_python(distribution, environment) for distribution in environment.distributions]
    broken.extend(one for one in pythons if isinstance(one, Broken))
    undecided.extend(one for one in pythons if isinstance(one, Undecided))
    others = (link_builds(environment), link_installs(environment))
    return Links(
        broken=tuple(broken) + tuple(one for links in others for one in links.broken),
        undecided=tuple(undecided) + tuple(one for links in others for one in links.undecided),
        references=count + sum(links.references for links in others),
    )


def _resolve(need: Need, installed: _Installed, environment: Environment) -> Broken | Undecided | None:
    found = installed.get(need.name, ())
    if not found:
        return _missing(need, installed, environment)
    if found[0].kind is DistributionKind.CONDA:
        return None
    candidates = [one for one in found if one.root == found[0].root]
    try:
        fits = any(need.specifier.contains(Version(one.version), prereleases=True) for one in candidates)
    except ValueError:  # of which InvalidVersion is one; a number of thousands of digits is another
        return _undecided(need.needer, f"{need.line!r}: {found[0].label} has a version that is not PEP 440")
    return None if fits else _violated(need, found[0], environment)


def _violated(need: Need, provider: Distribution, environment: Environment) -> Broken:
    return _broken(
        need,
        package(provider),
        environment,
        severity=Severity.RISK,
        cause=f"{_needer(need)} declares that it needs {_wanted(need)}, and {provider.label} is installed",
        symptom=f"{need.needer.label} has requirement {_wanted(need)}, but you have {provider.label}.",
    )


def _missing(need: Need, installed: _Installed, environment: Environment) -> Broken:
    variant = _variant(need, installed)
    if variant is not None:
        return _broken(
            need,
            absent(need.name),
            environment,
            severity=Severity.NOTE,
            cause=f"{_needer(need)} declares that it needs {_wanted(need)}; {variant.label}, a variant of the same "
            f"project, is installed in its place and provides {', '.join(variant.top_level)}",
        )
    return _broken(
        need,
        absent(need.name),
        environment,
        severity=Severity.RISK,
        cause=f"{_needer(need)} declares that it needs {_wanted(need)}, and no such distribution is installed",
        symptom=f"{need.needer.label} requires {need.name}, which is not installed.",
    )


def _broken(
    need: Need, provider: Party, environment: Environment, *, severity: Severity, cause: str, symptom: str = ""
) -> Broken:
    return Broken(
        kind=Kind.REQUIRES,
        severity=severity,
        needer=package(need.needer),
        provider=provider,
        target=_wanted(need),
        cause=cause,
        symptom=symptom,
        evidence=(seen_at(need.needer.metadata_path, f"Requires-Dist: {need.line}", environment),),
    )


def _needer(need: Need) -> str:
    return f"{need.needer.label} (extra {need.for_extra})" if need.for_extra else need.needer.label


def _wanted(need: Need) -> str:
    return f"{need.name}{need.specifier}"


def _variant(need: Need, installed: _Installed) -> Distribution | None:
    """An installed distribution whose name differs by a flavour alone, has modules, and whose version fits."""
    family = _family(need.name)
    for name, (first, *_) in installed.items():
        if name == need.name or _family(name) != family or not first.top_level:
            continue
        try:
            if need.specifier.contains(Version(first.version), prereleases=True):
                return first
        except ValueError:
            continue
    return None


def _family(name: str) -> frozenset[str]:
    words = name.split("-")
    return frozenset(word for word in words if not _FLAVOUR.fullmatch(word)) or frozenset(words)


def _requires_python(distribution: Distribution, environment: Environment) -> Broken | Undecided | None:
    if not distribution.requires_python:
        return None
    try:
        wanted = parse_specifier(distribution.requires_python)
    except InvalidSpecifier:
        return _undecided(distribution, f"Requires-Python is no version range: {distribution.requires_python!r}")
    if wanted.contains(environment.interpreter.version, prereleases=True):
        return None
    return Broken(
        kind=Kind.REQUIRES,
        severity=Severity.RISK,
        needer=package(distribution),
        provider=python(environment),
        target=f"python{wanted}",
        cause=f"{distribution.label} is for Python {wanted}, and this is Python {environment.interpreter.version}",
        evidence=(
            seen_at(distribution.metadata_path, f"Requires-Python: {distribution.requires_python}", environment),
        ),
        culprits=(distribution.name,),
    )


def _undecided(distribution: Distribution, reason: str) -> Undecided:
    return Undecided(kind=Kind.REQUIRES, artifact=distribution.label, reason=reason, reached=False)
