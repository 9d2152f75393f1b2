"""A page of text for a terminal: titles, labelled blocks and folded lines at a given width.

Nothing here reads markup, so that a name with square brackets in it is only a name.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from torchlink.report.printable import printable

NARROWEST = 40
"""Columns. A narrower terminal gets lines of this length."""

_LABEL_WIDTH = 9
_COLOURS = {"break": "bold red", "risk": "yellow", "note": "cyan", "sound": "bold green", "quiet": "dim"}


class Page:
    """Collects lines and gives them back as one string."""

    def __init__(self, *, width: int, colour: bool) -> None:
        self._buffer = io.StringIO()
        self._console = Console(
            file=self._buffer,
            width=max(width, NARROWEST),
            force_terminal=colour,
            no_color=not colour,
            color_system="standard" if colour else None,
            legacy_windows=False,
            markup=False,
            highlight=False,
            emoji=False,
        )

    def blank(self) -> None:
        self._console.print()

    def line(self, text: str, style: str = "", *, indent: int = 0) -> None:
        """A paragraph that is wrapped at the page's width."""
        self._console.print(Padding(self._text(text, style), (0, 0, 0, indent)))

    def heading(self, word: str, text: str, style: str) -> None:
        """A word that says how bad it is, and a title beside it."""
        self._rows(((self._text(word, style), self._text(text, "bold")),), indent=0)

    def fold(self, word: str, text: str, aside: str, style: str) -> None:
        """Like a heading, cut to one line. The aside follows where the line has room for it."""
        room = self._console.width - _LABEL_WIDTH - 1
        cut = self._text(text, "")
        cut.truncate(room, overflow="ellipsis")
        tail = self._text(f"  ({aside})", "quiet")
        if cut.cell_len + tail.cell_len <= room:
            cut = Text.assemble(cut, tail)
        self._rows(((self._text(word, style), cut),), indent=0)

    def block(self, label: str, entries: Sequence[str]) -> None:
        """A labelled block with an entry a line; nothing where there are no entries."""
        rows = [
            (self._text("" if place else label, "quiet"), self._text(entry, "")) for place, entry in enumerate(entries)
        ]
        self._rows(rows, indent=2)

    def text(self) -> str:
        """The whole page. Spaces at the ends of lines are gone."""
        lines = self._buffer.getvalue().split("\n")
        return "\n".join(line.rstrip() for line in lines)

    def _text(self, text: str, style: str) -> Text:
        return Text(printable(text), style=_COLOURS.get(style, style))

    def _rows(self, rows: Sequence[tuple[Text, Text]], *, indent: int) -> None:
        if not rows:
            return
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=_LABEL_WIDTH - indent, no_wrap=True)
        table.add_column(overflow="fold")
        for label, text in rows:
            table.add_row(label, text)
        self._console.print(Padding(table, (0, 0, 0, indent)))
