"""METADATA alone: beside the wheel where the index has it, else out of the wheel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.wheels import Served, make_wheel, metadata_of, serve
from torchlink.catalog.cache import Cache, open_cache
from torchlink.catalog.core_metadata import core_metadata
from torchlink.catalog.wheels import Pin, Wheels
from torchlink.model.errors import UnreadableError
from torchlink.read.http import UnreachableError
from torchlink.read.index import NO_METADATA
from torchlink.read.index_settings import IndexSettings


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    filler = "".join(f"name_{number} = {number}\n" for number in range(90_000))
    return make_wheel(tmp_path / "files", "shelf", "1.0", {"shelf/more.py": filler}, requires=("six>=1",))


@pytest.fixture
def server(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with serve(wheel.parent) as served:
        yield served


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return open_cache(tmp_path / "cache", "test")


def on(index: str, cache: Cache, *, offline: bool = False) -> Wheels:
    settings = IndexSettings(indexes=(index,))
    return Wheels(settings, cache, ("py3-none-any",), lambda stage, done, total: None, offline=offline)


def asked(server: Served, cache: Cache, *, offline: bool = False) -> bytes:
    wheels = on(server.simple, cache, offline=offline)
    return core_metadata(wheels.chosen(Pin(name="shelf", version="1.0"))[0], wheels)


def test_the_wheel_itself_is_left_alone(server: Served, wheel: Path, cache: Cache) -> None:
    server.metadata = "right"
    assert asked(server, cache) == metadata_of(wheel)
    assert [path.rpartition("/")[2] for path, _, _ in server.requests] == [f"{wheel.name}.metadata"]
    server.requests.clear()
    assert asked(server, cache, offline=True) == metadata_of(wheel)
    assert server.requests == []


@pytest.mark.parametrize("said", ["wrong", ""])
@pytest.mark.parametrize("ranges", [True, False])
def test_else_it_is_the_wheels_own(server: Served, wheel: Path, cache: Cache, said: str, ranges: bool) -> None:
    """The index offers none, or another than the one that it describes; and it may know no ranges."""
    server.metadata, server.ranges = said, ranges
    assert asked(server, cache) == metadata_of(wheel)
    assert (server.moved() < wheel.stat().st_size) is ranges


def test_what_is_not_offered_is_not_asked_for(server: Served, wheel: Path, cache: Cache) -> None:
    wheels = on(server.simple, cache)
    file, _ = wheels.chosen(Pin(name="shelf", version="1.0"))
    assert core_metadata(replace(file, metadata=NO_METADATA), wheels) == metadata_of(wheel)
    assert not any(path.endswith(".metadata") for path, _, _ in server.requests)


def test_an_answer_without_a_hash_must_be_of_this_release(server: Served, tmp_path: Path, cache: Cache) -> None:
    """A server may answer with its front page, whatever it is asked for."""
    server.metadata = "right"
    wheels = on(server.simple, cache)
    file, _ = wheels.chosen(Pin(name="shelf", version="1.0"))
    make_wheel(tmp_path / "files", "shelf", "2.0")
    other = replace(file, filename="shelf-2.0-py3-none-any.whl", metadata="", sha256="")
    assert b"Version: 1.0" in core_metadata(other, wheels)
    assert server.moved() > 0


def test_a_wheel_that_was_read_needs_no_network(server: Served, wheel: Path, cache: Cache) -> None:
    (placed,) = on(server.simple, cache).place([Pin(name="shelf", version="1.0")])
    assert placed.wheel is not None
    server.requests.clear()
    assert asked(server, cache, offline=True) == metadata_of(wheel)
    assert server.requests == []


def test_what_cannot_be_had_says_so(server: Served, wheel: Path, cache: Cache) -> None:
    wheels = on(server.simple, cache)
    file, _ = wheels.chosen(Pin(name="shelf", version="1.0"))
    with pytest.raises(UnreachableError, match="was not read before"):
        core_metadata(file, on(server.simple, cache, offline=True))
    server.broken = True
    with pytest.raises(UnreachableError, match="the index fails"):
        core_metadata(file, wheels)
    with pytest.raises(UnreadableError):
        core_metadata(replace(file, url=(wheel.parent / "gone.whl").as_uri()), wheels)
