"""The pins of a project for a terminal: package by package, each place with what it wants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from torchlink.model.names import distribution_of
from torchlink.model.pins import Notation, Pin, PinSurvey
from torchlink.model.reference import Severity
from torchlink.model.report import Report
from torchlink.report import wording
from torchlink.report.page import Page
from torchlink.report.terminal import describe

_MOST_UNREAD = 8


def render(report: Report, survey: PinSurvey, *, packages: Sequence[str], width: int, colour: bool) -> str:
    """Render for a terminal.

    Args:
        report: What was found.
        survey: Every pin.
        packages: The packages to list, PEP 503-normalised; empty for all of them.
        width: Columns.
        colour: Whether escape sequences for colour are wanted.
    """
    page = Page(width=width, colour=colour)
    for name, pins in _by_name(survey, packages):
        page.line(name, "bold")
        wanted = max((len(_wanted(pin)) for pin in pins), default=0)
        for pin in pins:
            page.line(f"{_wanted(pin):<{min(wanted, 32)}}  {_where(pin)}", indent=2)
    findings(page, report)
    _footer(page, report, survey)
    return page.text()


def _by_name(survey: PinSurvey, packages: Sequence[str]) -> list[tuple[str, list[Pin]]]:
    found: defaultdict[str, list[Pin]] = defaultdict(list)
    for pin in survey.pins:
        name = distribution_of(pin.name)
        if not packages or name in packages:
            found[name].append(pin)
    return sorted(found.items())


def _wanted(pin: Pin) -> str:
    if pin.url:
        return "an address"
    if pin.notation is Notation.CONDA and pin.wanted:
        return f"{pin.wanted} (conda)"
    return pin.wanted or "any"


def _where(pin: Pin) -> str:
    words = [pin.role.value if pin.role.value != "requirement" else "", pin.context, pin.marker, pin.url, pin.note]
    told = ", ".join(word for word in words if word)
    place = f"{pin.place.file}:{pin.place.line}:{pin.place.column}"
    return f"{place}  ({told})" if told else place


def findings(page: Page, report: Report) -> None:
    """Breaks and risks in full, a line for each note."""
    for severity in (Severity.BREAK, Severity.RISK):
        for finding in wording.of_severity(report.findings, severity):
            page.blank()
            page.heading(severity.value.upper(), finding.title, severity.value)
            describe(page, finding)
            page.block("id", [finding.id])
    notes = wording.of_severity(report.findings, Severity.NOTE)
    if notes:
        page.blank()
    for finding in notes:
        page.fold("NOTE", finding.title, finding.id, "note")


def _footer(page: Page, report: Report, survey: PinSurvey) -> None:
    page.blank()
    counts = f"{wording.counted(len(survey.pins), 'pin')} in {wording.counted(len(survey.files), 'file')}"
    page.line(f"{counts}: {wording.tally(report)}.")
    if report.undecided:
        page.line(f"{wording.counted(len(report.undecided), 'place')} could not be read:")
        for one in report.undecided[:_MOST_UNREAD]:
            page.line(f"{one.artifact}: {one.reason}", indent=2)
        if len(report.undecided) > _MOST_UNREAD:
            page.line(f"and {len(report.undecided) - _MOST_UNREAD} more; --format json lists them", indent=2)
    if report.silenced:
        page.line(f"{wording.counted(report.silenced, 'finding')} silenced by the project's configuration.")
