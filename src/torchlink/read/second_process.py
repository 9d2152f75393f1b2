"""A fork of this process that works on the second core: whether there can be one, and its end."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress


def is_possible() -> bool:
    """Whether a fork would be of use: on Linux, with more than one core."""
    return sys.platform == "linux" and (os.cpu_count() or 1) > 1


def end(child: int) -> None:
    """End a fork, whatever it is at, and see it gone."""
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
