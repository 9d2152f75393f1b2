"""The formats of a report, by name. A renderer is imported when it is asked for."""

from __future__ import annotations

from dataclasses import replace

from torchlink.model.report import Report

FORMATS = ("terminal", "json")
"""What ``--format`` takes."""


def render(report: Report, *, form: str, explain: str = "", width: int = 100, colour: bool = False) -> str:
    """Render a report, or one finding of it.

    Args:
        report: What to render.
        form: One of ``FORMATS``.
        explain: The id of the one finding to show; empty for the whole report.
        width: Columns, for the terminal.
        colour: Whether escape sequences for colour are wanted, for the terminal.

    Raises:
        TorchlinkError: No finding has the id in ``explain``.
    """
    if form == "terminal":
        return _on_terminal(report, explain, width=width, colour=colour)
    shown = _only(report, explain) if explain else report
    from torchlink.report import json

    return json.render(shown)


def _on_terminal(report: Report, explain: str, *, width: int, colour: bool) -> str:
    from torchlink.report import explain as one_finding
    from torchlink.report import terminal

    if explain:
        return one_finding.render(report, explain, width=width, colour=colour)
    return terminal.render(report, width=width, colour=colour)


def _only(report: Report, identity: str) -> Report:
    from torchlink.report.explain import find

    return replace(report, findings=(find(report, identity),))
