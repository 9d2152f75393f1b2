"""Progress: on a terminal, for long work, and nowhere else."""

from __future__ import annotations

import io
import sys
import time

import pytest

from torchlink.cli.progress import ShownProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "waited", "shown"), [(Terminal(), 1, True), (Terminal(), 0, False), (io.StringIO(), 1, False)]
)
def test_shown_only_on_a_terminal_and_after_half_a_second(
    stream: io.StringIO, waited: int, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with ShownProgress() as progress:
        later = time.monotonic() + waited
        monkeypatch.setattr(time, "monotonic", lambda: later)
        progress("reading [distributions]", 3, 125)
        progress("linking", 1, 0)
        monkeypatch.undo()
    assert ("reading [distributions]" in stream.getvalue()) is shown
