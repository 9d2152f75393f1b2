"""The formats of a report, by name. A renderer is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchlink.model.report import Report

FORMATS = ("terminal", "json", "markdown", "sarif", "junit", "github")
"""What ``--format`` takes. All but the first are modules beside this one, with ``render(report) -> str``."""


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
        ValueError: ``form`` is none of ``FORMATS``.
    """
    if form not in FORMATS:
        raise ValueError(f"{form!r} is no format of a report")
    if form == "terminal":
        return _on_terminal(report, explain, width=width, colour=colour)
    return _renderer(form)(_only(report, explain) if explain else report)


def prepare(form: str) -> None:
    """Import what `render` will need. The terminal's takes a tenth of a second."""
    import_module(f"torchlink.report.{form}")


def _renderer(form: str) -> Callable[[Report], str]:
    module = import_module(f"torchlink.report.{form}")
    render_report: Callable[[Report], str] = module.render
    return render_report


def _on_terminal(report: Report, explain: str, *, width: int, colour: bool) -> str:
    if explain:
        from torchlink.report import explain as one_finding

        return one_finding.render(report, explain, width=width, colour=colour)
    if report.target.kind == "log":
        from torchlink.report import log

        return log.render(report, width=width, colour=colour)
    from torchlink.report import terminal

    return terminal.render(report, width=width, colour=colour)


def _only(report: Report, identity: str) -> Report:
    from torchlink.report.explain import find

    return replace(report, findings=(find(report, identity),))
