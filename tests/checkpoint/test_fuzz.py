"""The machine against ``_pickle`` and ``pickletools`` on random pickles, for as long as it is given.

``TORCHLINK_FUZZ_SECONDS`` says how long; CI gives it a minute.
"""

from __future__ import annotations

import os
import pickle
import pickletools
import random
import time

from tests.checkpoint.ops import name, short_text, value
from tests.checkpoint.test_interpreter import SEEDS, Watched, asks_for_much
from torchlink.checkpoint.interpreter import run

SECONDS = float(os.environ.get("TORCHLINK_FUZZ_SECONDS", "2"))
CODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
ARGUMENTS = [
    b"0",
    b"1\n",
    b"01\n",
    b"a\n",
    b"\x00",
    b"\x01\x00\x00\x00",
    b"x",
    short_text("os"),
    name("os", "x"),
    value((1, "a")),
]


def test_agrees_with_the_standard_library() -> None:
    seed = int(time.time())
    randomly = random.Random(seed)  # noqa: S311 - not for secrets
    end = time.monotonic() + SECONDS
    tried = 0
    while time.monotonic() < end:
        for _ in range(100):
            data = _random_pickle(randomly)
            _compare(data, seed)
            tried += 1
    assert tried > 100


def _random_pickle(randomly: random.Random) -> bytes:
    if randomly.random() < 0.5:
        data = bytearray(randomly.choice(SEEDS))
        for _ in range(randomly.randint(1, 4)):
            at = randomly.randrange(len(data) + 1)
            piece = randomly.choice([randomly.choice(CODES), randomly.choice(ARGUMENTS), randomly.randbytes(2)])
            data[at : at + randomly.randint(0, 3)] = piece
        return bytes(data)
    pieces = [
        randomly.choice(CODES) + randomly.choice(ARGUMENTS) * randomly.randint(0, 1)
        for _ in range(randomly.randint(1, 25))
    ]
    return b"\x80" + bytes([randomly.randint(0, 5)]) + b"".join(pieces) + b"."


def _compare(data: bytes, seed: int) -> None:
    found = run(data)
    if found.limit or found.deviations or asks_for_much(data) or (found.error and b"\x95" in data):
        # Never called clean. At the end of a frame C drops what it has read ahead, and goes on elsewhere.
        return
    watched = Watched(data)
    try:
        watched.load()
        loaded = True
    except Exception:  # noqa: BLE001 - the unpickler raises whatever it likes
        loaded = False
    ours = {(one.module, one.name) for one in found.globals}
    assert watched.seen <= ours or found.extensions, (data, seed)
    if not loaded:
        return
    assert not found.error, (data, found.error, seed)
    assert _end_by_pickletools(data) in (found.end, None), (data, seed)


def _end_by_pickletools(data: bytes) -> int | None:
    """Where STOP ends; ``None`` where pickletools refuses what C reads."""
    try:
        *_, last = pickletools.genops(data)
    except (ValueError, pickle.UnpicklingError, UnicodeDecodeError):
        return None
    position = last[2]
    return None if position is None else position + 1
