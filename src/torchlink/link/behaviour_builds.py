"""Requirements whose build needs torch, where it is not there to be found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchlink.link.behaviour import applies, provider_of
from torchlink.link.parties import package
from torchlink.model.environment import Environment
from torchlink.model.pins import Pin, PinFile, PinSurvey, Role
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity
from torchlink.model.rules import Rule

_SAID = ("no-build-isolation", "extra-build-dependencies", "NO_BUILD_ISOLATION")
"""How pip and uv are told to build with what is installed."""


def link_builds(survey: PinSurvey, environment: Environment, rules: Sequence[Rule], name: str, texts: str) -> Links:
    """Find requirements that are built from source and need what an isolated build does not have.

    Args:
        survey: What the project's files want.
        environment: What is installed: what is there already needs no build.
        rules: The behaviour rules; those with ``builds`` are applied.
        name: The project's.
        texts: The text of the project's own settings (``pyproject.toml``, ``uv.toml``, ``pip.conf``).
    """
    broken = [
        _broken(rule, pin, environment, name)
        for rule in rules
        if rule.builds and applies(rule, environment)
        for file in survey.files
        for pin in _built(file, rule)
        if not any(said in texts for said in _SAID) and not _is_told(pin, file, survey)
    ]
    return Links(broken=tuple(dict.fromkeys(broken)), references=len(survey.files))


def _built(file: PinFile, rule: Rule) -> Iterator[Pin]:
    wanted = (Role.REQUIREMENT, Role.LOCK)
    return (pin for pin in file.pins if pin.name in rule.builds and pin.role in wanted and not pin.url.endswith(".whl"))


def _is_told(pin: Pin, file: PinFile, survey: PinSurvey) -> bool:
    """Whether the command that installs it, or one that installs its file, says to build with what is installed."""
    own = [step for step in file.steps if pin in step.pins]
    others = [step for one in survey.files for step in one.steps if file.file in step.requirement_files]
    return any(said in step.command for step in (own or others) for said in _SAID)


def _broken(rule: Rule, pin: Pin, environment: Environment, name: str) -> Broken:
    installed = environment.distribution(pin.name) is not None
    provider = environment.distribution(provider_of(rule, environment))
    where = pin.place.label
    return Broken(
        kind=Kind.BEHAVIOUR,
        severity=Severity.NOTE if installed else rule.severity,
        needer=Party(type=PartyType.PROJECT, name=name, path=pin.place.file),
        provider=package(provider) if provider is not None else Party(type=PartyType.PACKAGE, name=rule.package),
        target=f"{rule.relies_on} for {pin.name}",
        rule=rule.code,
        cause=rule.changes,
        symptom=rule.symptom,
        evidence=(
            Evidence(artifact=where, detail=f"wants {pin.name}{pin.wanted}"),
            *(Evidence(artifact=seen.file, detail=f"{seen.release}: {seen.detail}") for seen in rule.evidence[:1]),
        ),
        culprits=(*rule.culprits, pin.name),
        chain=(where,),
    )
