"""The report as JUnit XML: a test case for each finding, of which the breaks fail and the risks are skipped."""

from __future__ import annotations

from xml.etree import ElementTree

from torchlink.model.finding import Finding
from torchlink.model.reference import Severity
from torchlink.model.report import Report
from torchlink.report import wording
from torchlink.report.printable import printable


def render(report: Report) -> str:
    """One test suite. A report without findings has one test case, the verdict, which passes."""
    breaks = wording.of_severity(report.findings, Severity.BREAK)
    risks = wording.of_severity(report.findings, Severity.RISK)
    suite = ElementTree.Element(
        "testsuite",
        name="torchlink",
        tests=str(len(report.findings) + 1),
        failures=str(len(breaks)),
        errors="0",
        skipped=str(len(risks)),
        time=f"{report.elapsed_s:.3f}",
    )
    verdict = ElementTree.SubElement(suite, "testcase", classname="torchlink", name="verdict")
    _text(verdict, "system-out", wording.verdict_sentence(report))
    for finding in report.findings:
        _case(suite, finding)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ElementTree.Element, finding: Finding) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=f"torchlink.{finding.kind.value}", name=printable(finding.id)
    )
    match finding.severity:
        case Severity.BREAK:
            failure = _text(case, "failure", _details(finding))
            failure.set("message", printable(finding.title))
            failure.set("type", finding.kind.value)
        case Severity.RISK:
            ElementTree.SubElement(case, "skipped", message=printable(f"risk: {finding.title}"))
        case Severity.NOTE:
            _text(case, "system-out", finding.title)


def _details(finding: Finding) -> str:
    seen = [f"{piece.artifact}: {piece.detail}" for piece in finding.evidence]
    return "\n".join([finding.cause, finding.symptom, *seen, *finding.reached_from])


def _text(parent: ElementTree.Element, tag: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, tag)
    element.text = "\n".join(printable(line) for line in text.splitlines() if line)
    return element
