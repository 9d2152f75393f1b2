"""The steps of a change as JSON lines on stdout, for a program that shows them in a window of its own.

``{"step": "probing", "done": 0, "total": 0}``, a total of 0 for one that is not known; the last line is the document of
the change.
"""

from __future__ import annotations

import json
import sys
import time

from torchlink.cli import surface

_PAUSE_S = 0.1


class StepLines:
    """Call it with a stage, what is done and what there is to do: it writes a line for each stage, and some between."""

    def __init__(self) -> None:
        self._stage = ""
        self._written = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Tell how far a stage has come."""
        now = time.monotonic()
        if stage != self._stage or now - self._written > _PAUSE_S:
            self._stage, self._written = stage, now
            surface.write(json.dumps({"step": stage, "done": done, "total": total}) + "\n", None)
            sys.stdout.flush()
