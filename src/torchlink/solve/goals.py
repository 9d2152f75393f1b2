"""What a fix is to mend, and what a changed set must not have."""

from __future__ import annotations

from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Finding
from torchlink.model.reference import Kind, PartyType, Severity
from torchlink.model.report import Report


def goals(report: Report, wanted: str = "") -> list[Finding]:
    """What must be gone: every break; where there is none, every risk between two packages.

    Args:
        report: on what there is now.
        wanted: the id of the one finding that is to be mended, instead of all.

    Raises:
        TorchlinkError: there is no such finding.
    """
    if wanted:
        found = [one for one in report.findings if one.id == wanted]
        if not found:
            raise TorchlinkError(f"there is no finding {wanted!r} here", mend="take an id that torchlink check shows")
        return found
    found = faults(report)
    return [one for one in found if is_break(one)] or found


def faults(report: Report) -> list[Finding]:
    """What another set of releases could mend: every break, and every risk between two packages."""
    return [one for one in report.findings if is_break(one) or _is_risk(one)]


def left(before: Report, after: Report, goals: frozenset[str]) -> list[Finding]:
    """What a changed set must not have: a break or a risk that is a goal, or that was not there before."""
    known = {one.id for one in before.findings} - goals
    breaks = [one for one in after.findings if is_break(one) and one.id not in known]
    return breaks or [one for one in after.findings if _is_risk(one) and one.id not in known]


def is_break(finding: Finding) -> bool:
    """Files of the project that contradict each other are not mended by another set of releases: edits mend them."""
    return finding.severity is Severity.BREAK and finding.kind is not Kind.PIN


def _is_risk(finding: Finding) -> bool:
    is_between_packages = finding.needer.type is finding.provider.type is PartyType.PACKAGE
    return is_between_packages and finding.severity is Severity.RISK
