"""Open ranges: what a manifest would take today, and what of that breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from torchlink.link.cause import group
from torchlink.link.cause import judge as verdict
from torchlink.link.pin_pairs import exact, seen, shown
from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Finding
from torchlink.model.names import distribution_of
from torchlink.model.pins import FileKind, PinFile, PinSurvey
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity, Undecided
from torchlink.model.report import Report

Judge = Callable[[Path], Report]
"""Resolves a manifest as of today, and links the answer."""

_RESOLVED = ("requirements.txt", "pyproject.toml")


def with_fresh(report: Report, survey: PinSurvey, judge: Judge) -> Report:
    """A report on pins with what each manifest's open ranges would take today, as far as that breaks."""
    links = [_link(file, Path(survey.root), judge) for file in survey.files if _is_resolved(file)]
    findings = (*report.findings, *group(links))
    undecided = (*report.undecided, *(one for link in links for one in link.undecided))
    return replace(
        report,
        findings=tuple(sorted(findings, key=lambda one: one.severity.rank)),
        undecided=undecided,
        verdict=verdict(findings, undecided),
        coverage=replace(report.coverage, unknown=len(undecided)),
    )


def _is_resolved(file: PinFile) -> bool:
    """Whether it names what is installed: a constraints file alone does not."""
    return file.kind is FileKind.MANIFEST and file.format in _RESOLVED and any(pin.context == "" for pin in file.pins)


def _link(file: PinFile, root: Path, judge: Judge) -> Links:
    try:
        judged = judge(root / file.file)
    except TorchlinkError as error:
        reason = f"it cannot be resolved today: {error.what}"
        return Links(undecided=(Undecided(kind=Kind.PIN, artifact=file.file, reason=reason, reached=False),))
    breaks = [one for one in judged.findings if one.severity is Severity.BREAK]
    return Links(broken=tuple(one for finding in breaks for one in _open(file, finding)), references=len(file.pins))


def _open(file: PinFile, finding: Finding) -> Iterator[Broken]:
    """The packages of a finding that the file does not hold at one version, the one that is at fault first."""
    if not finding.provider.version:
        return  # what is not installed needs no bound
    parties = [
        party for party in (finding.provider, finding.needer) if party.type is PartyType.PACKAGE and party.version
    ]
    for party in sorted(parties, key=lambda one: _place(one.name, finding.culprits)):
        pins = [pin for pin in file.pins if distribution_of(pin.name) == party.name]
        if any(exact(pin) for pin in pins):
            continue
        said = (
            f"{pins[0].place.label} leaves {party.name} open" if pins else f"{file.file} says nothing of {party.name}"
        )
        ranges = f" ({party.name}{shown(pins[0])})" if pins and pins[0].wanted else ""
        yield Broken(
            kind=Kind.PIN,
            severity=Severity.RISK,
            needer=Party(type=PartyType.FILE, name=file.file),
            provider=party,
            target=f"a bound on {party.name}",
            cause=f"{said}{ranges}: today it takes {party.label}, and {finding.title}",
            symptom=finding.symptom,
            evidence=(*(seen(pin) for pin in pins[:1]), *_first(finding.evidence)),
            culprits=("pins",),
        )
        return


def _place(name: str, culprits: Sequence[str]) -> int:
    return culprits.index(name) if name in culprits else len(culprits)


def _first(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return tuple(evidence[:2])
