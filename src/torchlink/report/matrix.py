"""A matrix of releases for the terminal, as Markdown, JSON and a picture. Nothing is said by colour alone."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from xml.sax.saxutils import escape

from torchlink.model.matrix import Cell, Fit, Matrix
from torchlink.report.printable import printable

FORMATS = ("terminal", "markdown", "json", "svg")
SIGNS = {Fit.WORKS: "yes", Fit.IMPORTS: "imp", Fit.BREAKS: "NO", Fit.REFUSED: "pin", Fit.UNKNOWN: "?"}
_STYLES = {Fit.WORKS: "green", Fit.IMPORTS: "green", Fit.BREAKS: "bold red", Fit.REFUSED: "yellow", Fit.UNKNOWN: "dim"}
_FILLS = {
    Fit.WORKS: "#d7f0dd",
    Fit.IMPORTS: "#e6f3d5",
    Fit.BREAKS: "#f7c9c9",
    Fit.REFUSED: "#fbeec2",
    Fit.UNKNOWN: "#eeeeee",
}
_LEGEND = (
    "yes: the bytes fit · imp: importing both meets nothing that is missing · NO: they refuse each other · "
    "pin: metadata forbids it · ?: nothing is known"
)
_CELL_W, _CELL_H, _LEFT, _TOP = 62, 26, 90, 64


def render(matrices: Sequence[Matrix], *, form: str, width: int = 100, colour: bool = False) -> str:
    """Render matrices in one of ``FORMATS``."""
    if form == "json":
        return (
            json.dumps(
                {"schema": "torchlink.matrix/1", "matrices": [matrix_document(one) for one in matrices]}, indent=1
            )
            + "\n"
        )
    if form == "svg":
        return _svg(matrices)
    if form == "markdown":
        return "\n".join(_markdown(one) for one in matrices)
    return "\n".join(_terminal(one, width=width, colour=colour) for one in matrices)


def _terminal(matrix: Matrix, *, width: int, colour: bool) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    buffer = io.StringIO()
    console = Console(
        file=buffer, width=width, force_terminal=colour, no_color=not colour, markup=False, highlight=False
    )
    console.print(Text(_title(matrix), style="bold"))
    corner = f"{matrix.row_package} ↓\n{matrix.column_package} →"
    first = max(map(len, (*corner.split("\n"), *matrix.rows)))
    room = max(1, (width - first - 2) // (max(map(len, (*matrix.columns, "yes"))) + 2))
    for start in range(0, len(matrix.columns), room):
        columns = matrix.columns[start : start + room]
        table = Table(box=None, padding=(0, 1), show_edge=False)
        table.add_column(corner, no_wrap=True)
        for column in columns:
            table.add_column(column, justify="center", no_wrap=True)
        for row in matrix.rows:
            fits = [matrix.cells[row, column].fit for column in columns]
            table.add_row(row, *(Text(SIGNS[fit], style=_STYLES[fit]) for fit in fits))
        console.print(table)
        console.print()
    console.print(Text(_LEGEND, style="dim"))
    for line in _boundaries(matrix):
        console.print(Text(printable(line)))
    return "\n".join(line.rstrip() for line in buffer.getvalue().split("\n"))


def _title(matrix: Matrix) -> str:
    return f"{matrix.row_package} × {matrix.column_package}, Python {matrix.python}, {matrix.platform}"


def _boundaries(matrix: Matrix) -> list[str]:
    """The evidence of the first cell of each row that differs from the row above: where the edges run."""
    lines: list[str] = []
    above: tuple[Fit, ...] = ()
    for row in matrix.rows:
        fits = tuple(matrix.cells[row, column].fit for column in matrix.columns)
        if fits != above:
            column, cell = _telling(matrix, row)
            lines.append(f"{row} with {column}: {SIGNS[cell.fit]}, {cell.evidence}")
        above = fits
    return lines


def _telling(matrix: Matrix, row: str) -> tuple[str, Cell]:
    """The cell of a row that says most: one that breaks, else the last."""
    cells = [(column, matrix.cells[row, column]) for column in matrix.columns]
    return next(((column, cell) for column, cell in cells if cell.fit is Fit.BREAKS), cells[-1])


def _markdown(matrix: Matrix) -> str:
    lines = [f"### {_title(matrix)}", ""]
    lines.append(f"| {matrix.row_package} \\ {matrix.column_package} | {' | '.join(matrix.columns)} |")
    lines.append("|---" * (len(matrix.columns) + 1) + "|")
    for row in matrix.rows:
        signs = (SIGNS[matrix.cells[row, column].fit] for column in matrix.columns)
        lines.append(f"| {row} | {' | '.join(signs)} |")
    lines += ["", _LEGEND, "", *(f"- {printable(line)}" for line in _boundaries(matrix)), ""]
    return "\n".join(lines)


def matrix_document(matrix: Matrix) -> dict[str, object]:
    """A matrix as plain values."""
    return {
        "row_package": matrix.row_package,
        "column_package": matrix.column_package,
        "python": matrix.python,
        "platform": matrix.platform,
        "rows": list(matrix.rows),
        "columns": list(matrix.columns),
        "cells": [
            {"row": row, "column": column, "fit": cell.fit.value, "evidence": cell.evidence}
            for (row, column), cell in matrix.cells.items()
        ],
    }


def _svg(matrices: Sequence[Matrix]) -> str:
    """One picture, the matrices below each other; every cell has its evidence as a tooltip and its sign as text."""
    height = sum(_height(one) for one in matrices)
    width = _LEFT + 20 + _CELL_W * max(len(one.columns) for one in matrices)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12" role="img">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    top = 0
    for matrix in matrices:
        parts += _picture(matrix, top)
        top += _height(matrix)
    return "\n".join([*parts, "</svg>", ""])


def _height(matrix: Matrix) -> int:
    return _TOP + _CELL_H * len(matrix.rows) + 40


def _picture(matrix: Matrix, top: int) -> list[str]:
    parts = [f'<text x="10" y="{top + 22}" font-weight="bold">{escape(_title(matrix))}</text>']
    for place, column in enumerate(matrix.columns):
        x = _LEFT + place * _CELL_W + _CELL_W // 2
        parts.append(f'<text x="{x}" y="{top + _TOP - 8}" text-anchor="middle">{escape(column)}</text>')
    for number, row in enumerate(matrix.rows):
        y = top + _TOP + number * _CELL_H
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 17}" text-anchor="end">{escape(row)}</text>')
        for place, column in enumerate(matrix.columns):
            cell, x = matrix.cells[row, column], _LEFT + place * _CELL_W
            words = escape(printable(f"{matrix.row_package} {row}, {matrix.column_package} {column}: {cell.evidence}"))
            parts.append(
                f'<g><title>{words}</title><rect x="{x}" y="{y}" width="{_CELL_W - 2}" height="{_CELL_H - 2}" '
                f'fill="{_FILLS[cell.fit]}"/><text x="{x + _CELL_W // 2}" y="{y + 16}" text-anchor="middle">'
                f"{SIGNS[cell.fit]}</text></g>"
            )
    end = top + _height(matrix) - 16
    return [*parts, f'<text x="10" y="{end}" font-size="10" fill="#555">{escape(_LEGEND)}</text>']
