"""The symbolic machine against CPython's own unpicklers."""

from __future__ import annotations

import io
import pickle
import pickletools
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.checkpoint.ops import call, name, short_text, text, value, whole
from tests.checkpoint.plain import names, plain
from torchlink.checkpoint.interpreter import run
from torchlink.checkpoint.machine import Limits
from torchlink.checkpoint.values import Call, Extension, Global, How, Pairs, Persistent

SIMPLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(1 << 2100), max_value=1 << 2100),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(max_size=400),
)
KEYS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.binary(max_size=8))
VALUES = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.tuples(inner, inner),
        st.tuples(inner, inner, inner, inner),
        st.dictionaries(KEYS, inner, max_size=5),
        st.frozensets(KEYS, max_size=4),
        st.sets(st.integers(), max_size=4),
    ),
    max_leaves=12,
)


@given(VALUES, st.integers(min_value=0, max_value=5))
@settings(max_examples=300, deadline=None)
def test_reads_what_pickle_writes(thing: object, protocol: int) -> None:
    data = pickle.dumps(thing, protocol)
    found = run(data)
    assert not found.error
    assert not found.deviations
    assert found.end == len(data)
    if protocol >= 4:  # below, sets and bytes are calls
        assert plain(found.root, data) == thing


class Inert:
    """What every name stands for while C's unpickler is watched."""

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        return

    def __call__(self, *_args: object, **_kwargs: object) -> Inert:
        return self

    def __setstate__(self, state: object) -> None:
        return

    def append(self, item: object) -> None:
        return

    def extend(self, items: object) -> None:
        return

    def add(self, item: object) -> None:
        return

    def __setitem__(self, key: object, item: object) -> None:
        return


class Watched(pickle.Unpickler):
    """C's unpickler, which imports nothing and remembers what it would have."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self.seen: set[tuple[str, str]] = set()

    def find_class(self, module: str, global_name: str) -> type[Inert]:
        self.seen.add((module, global_name))
        return Inert

    def persistent_load(self, pid: object) -> Inert:
        return Inert()


SEEDS = [
    whole(call("os", "system", "x")),
    whole(short_text("os") + b"\x94" + short_text("system") + b"\x94\x93" + value(("x",)) + b"R", 4),
    pickle.dumps({"a": [1, 2.5, None, (True, b"x" * 30)], "b": {1, 2}}, 4),
    pickle.dumps({"a": [1, 2.5, None, (True, "y" * 300)], 3: 10**40}, 2),
    pickle.dumps([{"k": (1, 2)}, "text", 5], 0),
    pickle.dumps(bytearray(b"abc"), 5),
    whole(b"(" + text("a") + b"ios\nsystem\n" + b"0(" + name("os", "system") + b"o"),
    whole(name("a", "B") + b")\x81}" + text("k") + b"K\x01sb" + b"](K\x01K\x02e2"),
    whole(text("x") + b"p5\n0g5\nQ"),
]

OPCODES = st.sampled_from([bytes([ord(opcode.code)]) for opcode in pickletools.opcodes])
PIECES = st.one_of(
    OPCODES, st.binary(max_size=4), st.sampled_from(SEEDS), st.just(short_text("os")), st.just(name("os", "x"))
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A pickle with some bytes changed, taken out, or put in."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(min_value=0, max_value=4))):
        at = draw(st.integers(min_value=0, max_value=len(data)))
        kind = draw(st.integers(min_value=0, max_value=2))
        piece = draw(PIECES)[:40]
        if kind == 0:
            data[at:at] = piece
        elif kind == 1:
            del data[at : at + draw(st.integers(min_value=1, max_value=6))]
        else:
            data[at : at + len(piece)] = piece
    return bytes(data)


@given(st.one_of(mutated(), st.lists(PIECES, max_size=20).map(b"".join).map(lambda body: whole(body, 4))))
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_sees_every_name_that_c_would_import(data: bytes) -> None:
    found = run(data)
    if found.limit or found.deviations or asks_for_much(data) or (found.error and b"\x95" in data):
        return  # never called clean; at the end of a frame C drops what it has read ahead, and goes on elsewhere
    watched = Watched(data)
    try:
        watched.load()
        loaded = True
    except Exception:  # noqa: BLE001 - the unpickler raises whatever it likes
        loaded = False
    ours = {(one.module, one.name) for one in found.globals}
    assert watched.seen <= ours or found.extensions
    if loaded:
        assert not found.error


def asks_for_much(data: bytes) -> bool:
    """Whether C's unpickler might allocate gigabytes: for a memo number, or a frame."""
    return any(
        len(data) >= at + 5 and struct.unpack_from("<I", data, at + 1)[0] > 1_000_000
        for at in range(len(data))
        if data[at] == ord("r")
    ) or any(line.isdigit() and len(line) > 6 for line in data.replace(b"p", b"\n").split(b"\n"))


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_never_raises(data: bytes) -> None:
    found = run(data)
    assert found.end <= len(data)
    run(data, limits=Limits(opcodes=5, memory=100))


@pytest.mark.parametrize(
    ("opcodes", "deviation"),
    [
        (b"I0x10\n", "INT"),
        (b"I 1\n", "INT"),
        (b"L0x10L\n", "LONG"),
        (b"F1_0\n", ""),
        (b"Np 1\n", "PUT"),
        (b"Np1\n0g 1\n", "GET"),
        (b"N]R", "REDUCE"),
    ],
)
def test_says_where_readers_disagree(opcodes: bytes, deviation: str) -> None:
    found = run(whole(opcodes))
    assert found.deviations or found.error
    assert any(deviation in one for one in found.deviations) or found.error


def test_python_2_names_are_mapped_below_protocol_3() -> None:
    assert names(run(b"c__builtin__\neval\n.")) == {"builtins.eval"}
    assert names(run(b"\x80\x03c__builtin__\neval\n.")) == {"__builtin__.eval"}
    assert names(run(b"ccommands\ngetoutput\n.")) == {"subprocess.getoutput"}


def test_keeps_calls_and_states() -> None:
    found = run(whole(name("a", "B") + b")\x81}" + text("k") + b"K\x01sb" + b"(K\x01K\x02e"))
    made = found.root
    assert isinstance(made, Call)
    assert made.how is How.NEWOBJ
    assert isinstance(made.func, Global)
    assert made.state == [Pairs(["k", 1])]
    assert made.items == [1, 2]


def test_persistent_ids_and_extensions() -> None:
    found = run(whole(value(("storage", "x")) + b"Q"))
    assert isinstance(found.root, Persistent)
    assert found.root.id == ("storage", "x")
    found = run(whole(b"\x82\x05"))
    assert isinstance(found.root, Extension)
    assert found.extensions == (5,)


def test_bounds() -> None:
    assert run(b"N0" * 10_000 + b"N.", limits=Limits(opcodes=4096)).limit
    assert run(whole(b"]" * 10_000), limits=Limits(memory=10_000)).limit
    assert run(whole(name("a" * 5000, "b"))).limit
    assert run(whole(b"Nr\xff\xff\xff\xff")).limit
