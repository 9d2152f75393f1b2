"""The report as workflow commands, which GitHub Actions shows beside the source.

Source: GitHub's documentation, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

from torchlink.model.finding import Finding
from torchlink.model.reference import Severity
from torchlink.model.report import Report
from torchlink.report import wording
from torchlink.report.place import first_place
from torchlink.report.printable import printable

_COMMANDS = {Severity.BREAK: "error", Severity.RISK: "warning", Severity.NOTE: "notice"}


def render(report: Report) -> str:
    """One command a finding, and the verdict as a plain line."""
    lines = [_command(finding) for finding in report.findings]
    return "\n".join([*lines, f"torchlink: {printable(wording.verdict_sentence(report))}"]) + "\n"


def _command(finding: Finding) -> str:
    place = first_place(finding)
    where = f"file={_property(place.file)},line={place.line}," if place else ""
    symptom = " ".join(wording.message_lines(finding.symptom))
    said = ". ".join(part for part in (finding.cause.rstrip("."), symptom) if part)
    message = _data(f"{said} [{finding.id}]")
    return f"::{_COMMANDS[finding.severity]} {where}title={_property(finding.title)}::{message}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
