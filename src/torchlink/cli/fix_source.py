"""``torchlink fix --source``: edits of the project's own source, as a diff."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from torchlink.cli import surface
from torchlink.report.formats import render
from torchlink.report.page import Page

if TYPE_CHECKING:
    from torchlink.model.edits import Choice
    from torchlink.source.mend import Mending


def fix_source(project: Path, python: Path | None, *, form: str, apply: bool, output: Path | None) -> int:
    """Show what is rewritten and what is left to choose; write the files where that is asked for.

    Returns:
        0 where nothing is left to do, 1 where something is.
    """
    from torchlink import __version__, pipeline
    from torchlink.source.plans import as_report

    mending = pipeline.mend_source(project, python=python, apply=apply)
    root = project.resolve() if project.is_dir() else project.resolve().parent
    if form == "json":
        surface.write(render(as_report(mending, root, __version__), form="json"), output)
    else:
        colour = output is None and form == "terminal" and surface.takes_colour(sys.stdout)
        surface.write(_text(mending, root, colour=colour, markdown=form == "markdown"), output)
    return int(bool(mending.choices or (mending.changes and not mending.written)))


def _text(mending: Mending, root: Path, *, colour: bool, markdown: bool) -> str:
    page = Page(width=surface.width(), colour=colour)
    for choice, places in _grouped(mending.choices, root):
        page.heading("CHOOSE", f"{choice.rule}: {choice.why}", "risk")
        page.block("where", places)
        for option in choice.options:
            page.block("or" if option != choice.options[0] else "either", [option])
        page.blank()
    page.line(_summary(mending))
    diff = f"```diff\n{mending.diff}```\n" if markdown and mending.diff else mending.diff
    return f"{diff}\n{page.text()}" if diff else page.text()


def _grouped(choices: tuple[Choice, ...], root: Path) -> Iterator[tuple[Choice, list[str]]]:
    """Choices of one kind together, with their places."""
    ordered = sorted(choices, key=lambda one: (one.rule, one.why, one.path, one.line))
    for _, each in groupby(ordered, key=lambda one: (one.rule, one.why)):
        same = list(each)
        yield same[0], [f"{_shown(one.path, root)}:{one.line}" for one in same]


def _shown(path: str, root: Path) -> str:
    file = Path(path)
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else path


def _summary(mending: Mending) -> str:
    files = len(mending.changes)
    if not files:
        return "Nothing to rewrite." if mending.choices else "Nothing to rewrite, and nothing to choose."
    edits = f"{len(mending.edits)} {'edit' if len(mending.edits) == 1 else 'edits'}"
    what = f"{edits} in {files} {'file' if files == 1 else 'files'}"
    return f"{what} written." if mending.written else f"{what}; --apply writes them."
