"""The report on a project's pins."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.markers import default_environment

from torchlink.link.cause import group, judge
from torchlink.link.pin_families import link_families, pinned_releases
from torchlink.link.pins import link_pins
from torchlink.link.silence import silence
from torchlink.model.configuration import Silence
from torchlink.model.errors import UnreadableError
from torchlink.model.finding import Certainty, Finding
from torchlink.model.pins import Pin, PinFile, PinSurvey, Place, Step
from torchlink.model.reference import Links
from torchlink.model.report import Artifact, Coverage, Report, Target
from torchlink.model.store import ByteStore
from torchlink.pins.releases import open_releases
from torchlink.read.configuration import read_configuration
from torchlink.read.pins.survey import read_pins
from torchlink.rules.behaviour import rule_codes

Progress = Callable[[str, int, int], None]


def check_pins(
    project: Path,
    *,
    version: str,
    variables: Mapping[str, str],
    store: ByteStore,
    offline: bool = False,
    progress: Progress | None = None,
) -> tuple[Report, PinSurvey]:
    """Read every pin of a project and compare them, with each other and with what the pinned releases require.

    Args:
        project: Its folder, or one file.
        version: This torchlink's.
        variables: The environment, in which index settings may stand.
        store: Remembers what was read of releases.
        offline: Whether no index is asked: what was not read before is then unknown.
        progress: Told how far the work has come.

    Raises:
        TorchlinkError: There is no such project, or its configuration cannot be read.
    """
    began = time.perf_counter()
    survey = read_pins(project, progress)
    links = link_survey(survey, variables, store, offline=offline, progress=progress)
    findings, silenced = silence(_grouped(links), _silences(Path(survey.root)))
    undecided = tuple(one for link in links for one in link.undecided)
    report = Report(
        torchlink=version,
        verdict=judge(findings, undecided),
        elapsed_s=round(time.perf_counter() - began, 3),
        target=Target(kind="project", path=survey.root),
        findings=findings,
        coverage=Coverage(references=sum(link.references for link in links), unknown=len(undecided)),
        artifacts=tuple(_artifact(file) for file in survey.files),
        undecided=undecided,
        silenced=silenced,
    )
    return report, survey


def _silences(root: Path) -> tuple[Silence, ...]:
    """What the project sets aside. A manifest that is no TOML says nothing of it, and is told as unread anyway."""
    try:
        return read_configuration(root, rule_codes()).silences
    except UnreadableError:
        return ()


def link_survey(
    survey: PinSurvey,
    variables: Mapping[str, str],
    store: ByteStore,
    *,
    offline: bool,
    progress: Progress | None = None,
) -> list[Links]:
    """What is wrong with the pins of a project."""
    tell = progress or _silent
    with open_releases(Path(survey.root), variables, store, offline=offline, tell=tell) as releases:
        pinned = pinned_releases(survey)
        tell("asking what releases require", 0, len(pinned))
        releases.ask_ahead(pinned)
        markers = {name: str(value) for name, value in default_environment().items()}
        return [link_pins(survey), link_families(survey, releases, markers)]


def link_known(survey: PinSurvey, variables: Mapping[str, str], store: ByteStore) -> Links:
    """What is wrong with the pins of a project, by what is known without asking: the rest is not told here."""
    pins, families = link_survey(survey, variables, store, offline=True)
    return Links(broken=(*pins.broken, *families.broken), undecided=pins.undecided, references=pins.references)


def _silent(stage: str, done: int, total: int) -> None:
    pass


def _grouped(links: Sequence[Links]) -> list[Finding]:
    """The findings; those that rest on a sibling build's metadata say so."""
    return [
        replace(one, certainty=Certainty.INFERRED) if "is another build" in one.cause else one for one in group(links)
    ]


def _artifact(file: PinFile) -> Artifact:
    content: dict[str, object] = {
        "format": file.format,
        "kind": file.kind.value,
        "pins": [_pin(pin) for pin in file.pins],
        "steps": [_step(step) for step in file.steps],
        "unread": [{"line": one.line, "reason": one.reason} for one in file.unread],
    }
    return Artifact(path=file.file, verdict="partly-read" if file.unread else "read", content=content)


def _pin(pin: Pin) -> dict[str, object]:
    versions = [
        {"operator": clause.operator, "version": clause.version, "places": [_place(place) for place in clause.places]}
        for clause in pin.clauses
    ]
    words = {"context": pin.context, "marker": pin.marker, "url": pin.url, "note": pin.note}
    return {
        "name": pin.name,
        "wanted": pin.wanted,
        "specifier": pin.specifier,
        "notation": pin.notation.value,
        "role": pin.role.value,
        "place": _place(pin.place),
        "versions": versions,
        **({"extras": list(pin.extras)} if pin.extras else {}),
        **{key: word for key, word in words.items() if word},
    }


def _place(place: Place) -> dict[str, object]:
    return {"line": place.line, "column": place.column, "start": place.start, "end": place.end}


def _step(step: Step) -> dict[str, object]:
    indexes = step.indexes
    return {
        "tool": step.tool.value,
        "line": step.place.line,
        "command": step.command,
        "installs": [f"{pin.name}{pin.wanted}" for pin in step.pins] + list(step.others),
        "indexes": [url for url in (indexes.index, *indexes.extra, *indexes.find_links) if url],
        "unread": list(step.unread),
        "condition": step.condition,
    }
