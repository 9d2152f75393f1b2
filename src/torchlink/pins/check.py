"""The report on a project's pins."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from torchlink.link.cause import group, judge
from torchlink.link.pins import link_pins
from torchlink.link.silence import silence
from torchlink.model.pins import Pin, PinFile, PinSurvey, Place, Step
from torchlink.model.report import Artifact, Coverage, Report, Target
from torchlink.read.configuration import read_configuration
from torchlink.read.pins.survey import read_pins

Progress = Callable[[str, int, int], None]


def check_pins(project: Path, *, version: str, progress: Progress | None = None) -> tuple[Report, PinSurvey]:
    """Read every pin of a project and compare them.

    Args:
        project: Its folder, or one file.
        version: This torchlink's.
        progress: Told how far the reading has come.

    Raises:
        TorchlinkError: There is no such project, or its configuration cannot be read.
    """
    began = time.perf_counter()
    survey = read_pins(project, progress)
    links = link_pins(survey)
    silences = read_configuration(Path(survey.root)).silences
    findings, silenced = silence(group([links]), silences)
    report = Report(
        torchlink=version,
        verdict=judge(findings, links.undecided),
        elapsed_s=round(time.perf_counter() - began, 3),
        target=Target(kind="project", path=survey.root),
        findings=findings,
        coverage=Coverage(references=links.references, unknown=len(links.undecided)),
        artifacts=tuple(_artifact(file) for file in survey.files),
        undecided=links.undecided,
        silenced=silenced,
    )
    return report, survey


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
