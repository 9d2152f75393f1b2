"""Where output goes: how wide it is, whether it takes colour, and how text gets there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from torchlink.model.errors import TorchlinkError

_WIDEST = 200
_WITHOUT_TERMINAL = 100
_PLAIN = str.maketrans({"→": "->", "×": "x", "…": "...", "—": "-"})


def width() -> int:
    """Columns to write for: ``COLUMNS``, or the terminal's own, or 100 where there is none."""
    import shutil

    return min(shutil.get_terminal_size((_WITHOUT_TERMINAL, 24)).columns, _WIDEST)


def takes_colour(stream: TextIO) -> bool:
    """Whether escape sequences are welcome on a stream. ``NO_COLOR`` and ``TERM=dumb`` say no."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def write(text: str, output: Path | None) -> None:
    """Write to a file, or to stdout.

    Raises:
        TorchlinkError: The file cannot be written.
    """
    if output is None:
        sys.stdout.write(_encodable(text, sys.stdout.encoding or "utf-8"))
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        mend = "name a file in a folder that exists and is writable"
        raise TorchlinkError(f"cannot be written ({error.strerror})", where=str(output), mend=mend) from error


def _encodable(text: str, encoding: str) -> str:
    """Text that the terminal's encoding can carry, with plain signs for those that it cannot."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text
