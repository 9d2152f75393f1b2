"""What uv says while it installs."""

from __future__ import annotations

import os
import sys

import pytest

from torchlink.model.errors import TorchlinkError
from torchlink.solve.fetching import fetched

SAID = """Using CPython 3.11.7
Resolved 2 packages in 274ms
Downloading scipy (36.8MiB)
Downloading opencv-python (47.5MiB)
 Downloaded scipy
error: Failed to fetch opencv-python
  Caused by: the connection was reset
"""


def test_downloads_are_progress_and_the_rest_is_why_it_failed() -> None:
    told: list[tuple[str, int, int]] = []
    program = f"import sys; sys.stderr.write({SAID!r}); sys.exit(2)"
    tell = lambda *words: told.append(words)  # noqa: E731
    done = fetched([sys.executable, "-c", program], None, os.environ, 60, tell)
    assert told == [
        ("downloading scipy (36.8MiB)", 0, 1),
        ("downloading opencv-python (47.5MiB)", 0, 2),
        ("downloaded scipy", 1, 2),
    ]
    assert done.returncode == 2
    assert done.stderr == "error: Failed to fetch opencv-python\nCaused by: the connection was reset"


def test_whoever_is_told_may_interrupt_it() -> None:
    def interrupt(*_words: object) -> None:
        raise KeyboardInterrupt

    program = "import sys, time; print('Downloading x (1MiB)', file=sys.stderr, flush=True); time.sleep(600)"
    with pytest.raises(KeyboardInterrupt):
        fetched([sys.executable, "-c", program], None, os.environ, 600, interrupt)


def test_a_uv_that_is_not_there_is_an_error() -> None:
    with pytest.raises(TorchlinkError, match="cannot be started"):
        fetched(["/no/such/uv"], None, os.environ, 60, print)
