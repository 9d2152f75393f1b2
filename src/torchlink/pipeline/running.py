"""How the work is run: in a thread with a deep stack, without the collector of cycles."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator


Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]
"""Called with a stage's name, what is done, and what there is to do (0 where that is not known)."""


STACK_BYTES = 512 * 2**20
"""Address space for the thread that links: imports nest deep. Only what is used is taken."""


RECURSION_LIMIT = 60_000


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


@contextmanager
def without_collector() -> Iterator[None]:
    """Linking makes many objects and drops few before its end: to collect cycles meanwhile is a third of the time."""
    enabled = gc.isenabled()
    # An earlier link of this process left some hundred megabytes in cycles.
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            # All that was made stands among the youngest, which the next collection would walk at once, for half a
            # second. This moves it to the oldest, which are collected when there is cause.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


def in_deep_thread(work: Callable[[], Result]) -> Result:
    """Run in a thread with a deep stack; the caller can still be interrupted."""
    answers: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
            errors.append(error)

    limit = sys.getrecursionlimit()
    size = threading.stack_size(STACK_BYTES)
    sys.setrecursionlimit(max(limit, RECURSION_LIMIT))
    try:
        thread = threading.Thread(target=run, name="torchlink-link", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.2)
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    if errors:
        raise errors[0]
    return answers[0]
