"""The report as SARIF 2.1.0, which code scanning services read.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import json
from urllib.parse import quote

from torchlink.model.finding import Finding
from torchlink.model.reference import Kind, Severity
from torchlink.model.report import Report
from torchlink.report.place import first_place
from torchlink.report.printable import printable
from torchlink.report.wording import message_lines

_LEVELS = {Severity.BREAK: "error", Severity.RISK: "warning", Severity.NOTE: "note"}
_WHOLE_PROJECT = "pyproject.toml"
"""Where a finding is shown that no line of the project reaches: services refuse a result without a file."""


def render(report: Report) -> str:
    """One run, with a rule for each kind that was found and a result for each finding."""
    kinds = sorted({finding.kind for finding in report.findings}, key=lambda kind: kind.value)
    driver = {"name": "torchlink", "version": report.torchlink, "rules": [_rule(kind) for kind in kinds]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in report.findings],
    }
    return json.dumps({"version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(kind: Kind) -> dict[str, object]:
    return {"id": kind.value, "shortDescription": {"text": f"A {kind.value} reference does not resolve"}}


def _result(finding: Finding) -> dict[str, object]:
    seen = [f"{piece.artifact}: {piece.detail}" for piece in finding.evidence]
    text = "\n".join(
        printable(line) for line in (finding.title, finding.cause, *message_lines(finding.symptom), *seen) if line
    )
    return {
        "ruleId": finding.kind.value,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": _location(finding)}],
        "partialFingerprints": {"torchlinkFinding/v1": printable(finding.id)},
    }


def _location(finding: Finding) -> dict[str, object]:
    place = first_place(finding)
    if place is None:
        return {"artifactLocation": {"uri": _WHOLE_PROJECT}}
    return {"artifactLocation": {"uri": quote(place.file)}, "region": {"startLine": place.line}}
