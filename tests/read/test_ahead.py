"""Another process parses ahead; whatever becomes of it, the answer is the same or there is none."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from torchlink.read import second_process
from torchlink.read.ahead import Parsed, ReadAhead

pytestmark = pytest.mark.skipif(not second_process.is_possible(), reason="nothing is parsed ahead")


def waited(work: Callable[[], Iterable[Parsed]], path: str, seconds: float = 10) -> bytes | None:
    ahead = ReadAhead(work)
    try:
        end = time.monotonic() + seconds
        while (found := ahead.take(path)) is None and time.monotonic() < end:
            time.sleep(0.01)
        return found
    finally:
        ahead.stop()


def test_what_is_finished_can_be_taken() -> None:
    assert waited(lambda: [("a", b"one"), ("b/é\udcff", b""), ("c", b"x" * 10**7)], "c") == b"x" * 10**7
    assert waited(lambda: [("a", b"one"), ("b/é\udcff", b"two")], "b/é\udcff") == b"two"


def test_what_is_not_there_is_not_waited_for() -> None:
    ahead = ReadAhead(list)
    assert ahead.take("a") is None
    ahead.stop()
    assert ahead.take("a") is None


def test_an_error_in_the_other_process_ends_it_alone(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> Iterator[Parsed]:
        yield "a", b"one"
        raise MemoryError

    assert waited(work, "a") == b"one"
    assert waited(work, "b", seconds=0.2) is None
    assert capfd.readouterr().err == ""


def test_a_process_that_does_not_end_is_ended() -> None:
    def work() -> Iterator[Parsed]:
        yield "a", b"one"
        time.sleep(1000)

    began = time.monotonic()
    assert waited(work, "a") == b"one"
    assert time.monotonic() - began < 5


def test_no_process_and_no_file_is_left_open() -> None:
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(5):
        assert waited(lambda: [("a", b"one")], "a") == b"one"
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1
