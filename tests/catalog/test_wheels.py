"""Wheels looked up on indexes and folders, read once, and remembered."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compiled import compile_library, needs_gcc
from tests.wheels import Served, make_wheel, serve
from torchlink.catalog import wheels as wheels_module
from torchlink.catalog.cache import Cache, open_cache
from torchlink.catalog.wheels import Pin, Wheels
from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFacts
from torchlink.read.elf import exports
from torchlink.read.http import UnreachableError
from torchlink.read.index_settings import IndexSettings
from torchlink.read.native import read_native
from torchlink.read.wheel import load, under_path
from torchlink.read.wheel_environment import Placed
from torchlink.solve.describe import describe

TAGS = ("cp311-cp311-linux_x86_64", "py3-none-any")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    filler = "".join(f"name_{number} = {number}\n" for number in range(60_000))
    make_wheel(tmp_path / "files", "shelf", "1.0", {"shelf/__init__.py": "x = 1\n", "shelf/more.py": filler})
    make_wheel(tmp_path / "files", "shelf", "2.0", {"shelf/__init__.py": "y = 1\n"}, tag="cp311-cp311-win_amd64")
    return tmp_path / "files"


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(wheels_module, "SMALL_WHEEL", 0)
    with serve(folder) as served:
        yield served


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return open_cache(tmp_path / "cache", "test")


def place(cache: Cache, name: str, version: str, *indexes: str, offline: bool = False, links: str = "") -> Placed:
    settings = IndexSettings(indexes=indexes, find_links=(links,) if links else ())
    wheels = Wheels(settings, cache, TAGS, lambda stage, done, total: None, offline=offline)
    (placed,) = wheels.place([Pin(name=name, version=version)])
    return placed


def test_a_wheel_is_read_once_and_then_offline(server: Served, cache: Cache) -> None:
    first = place(cache, "shelf", "1.0", server.simple)
    assert first.wheel is not None and first.wheel.text("shelf/__init__.py") == b"x = 1\n"
    moved = server.moved()
    server.broken = True
    again = place(cache, "shelf", "1.0", server.simple, offline=True)
    assert again.wheel is not None and again.wheel.text("shelf/more.py").startswith(b"name_0")
    assert server.moved() == moved


def test_offline_says_what_was_not_read(server: Served, cache: Cache) -> None:
    assert "was not looked up before" in place(cache, "shelf", "1.0", server.simple, offline=True).reason


def test_an_index_that_does_not_answer_is_an_error(server: Served, cache: Cache) -> None:
    server.broken = True
    with pytest.raises(UnreachableError):
        place(cache, "shelf", "1.0", server.simple)


def test_what_answers_and_is_no_index_is_told_unless_another_has_it(
    server: Served, folder: Path, tmp_path: Path, cache: Cache
) -> None:
    with serve(tmp_path / "files") as other:
        other.form = "junk"
        alone = place(cache, "shelf", "1.0", other.simple)
        assert alone.wheel is None and "is no page of a package index" in alone.reason
        assert place(cache, "shelf", "1.0", other.simple, server.simple).wheel is not None


def test_a_server_without_ranges_serves_the_whole_wheel(server: Served, cache: Cache) -> None:
    server.ranges = False
    placed = place(cache, "shelf", "1.0", server.simple)
    assert placed.wheel is not None and placed.wheel.text("shelf/__init__.py") == b"x = 1\n"


@pytest.mark.parametrize("ranges", [False])
def test_a_wrong_hash_is_refused(server: Served, cache: Cache, ranges: bool) -> None:
    server.ranges, server.wrong_hash = ranges, True
    placed = place(cache, "shelf", "1.0", server.simple)
    assert placed.wheel is None and "is not the file that the index describes" in placed.reason


def test_what_has_no_wheel_says_why(server: Served, folder: Path, tmp_path: Path, cache: Cache) -> None:
    assert "no wheel for this Python and platform" in place(cache, "shelf", "2.0", server.simple).reason
    assert "no index that is configured has shelf 3.0" in place(cache, "shelf", "3.0", server.simple).reason
    (tmp_path / "inner.py").write_text("")
    with tarfile.open(folder / "source-1.0.tar.gz", "w:gz") as made:
        made.add(tmp_path / "inner.py", "source-1.0/otherwise/__init__.py")
    placed = place(cache, "source", "1.0", server.simple)
    assert "exists only as source" in placed.reason and placed.modules == ("otherwise",)


def test_metadata_that_is_no_metadata_is_a_problem_and_the_rest_is_read(tmp_path: Path, cache: Cache) -> None:
    path = make_wheel(tmp_path / "local", "shelf", "1.0", {"shelf/__init__.py": ""}, headers=["X: " + "a" * 40 * 2**20])
    placed = place(cache, "shelf", "1.0", links=str(path.parent))
    assert placed.wheel is not None
    assert dict(placed.wheel.problems) == {"shelf-1.0.dist-info/METADATA": "is larger than 32 MB"}
    assert (placed.wheel.info, placed.wheel.core.requires) == ("shelf-1.0.dist-info", ())
    settings = IndexSettings(indexes=(), find_links=(str(path.parent),))
    wheels = Wheels(settings, cache, TAGS, lambda stage, done, total: None)
    assert describe("shelf", "1.0", wheels).problems == ("shelf-1.0.dist-info/METADATA: is larger than 32 MB",)
    with pytest.raises(UnreadableError) as told:
        describe("shelf", "3.0", wheels)
    assert str(told.value) == "no index that is configured has shelf 3.0"


def test_a_build_that_no_index_has_is_inferred(server: Served, cache: Cache) -> None:
    placed = place(cache, "shelf", "1.0+cu121", server.simple)
    assert placed.wheel is not None and (placed.version, placed.inferred_from) == ("1.0+cu121", "1.0")


def test_folders_are_looked_at_first(server: Served, tmp_path: Path, cache: Cache) -> None:
    make_wheel(tmp_path / "local", "shelf", "1.0", {"shelf/__init__.py": "z = 1\n"})
    placed = place(cache, "shelf", "1.0", server.simple, links=str(tmp_path / "local"))
    assert placed.wheel is not None and placed.wheel.text("shelf/__init__.py") == b"z = 1\n"
    assert placed.wheel.sha256


@needs_gcc
def test_native_facts_are_those_of_the_installed_file(tmp_path: Path, cache: Cache) -> None:
    source = 'extern int puts(const char *); int offered(void) { return puts("a_name"); }'
    library = compile_library(tmp_path / "lib.so", source)
    make_wheel(tmp_path / "local", "shelf", "1.0", {"shelf/lib.so": library.read_bytes()})
    placed = place(cache, "shelf", "1.0", links=str(tmp_path / "local"))
    assert placed.wheel is not None
    kept = load(placed.wheel.sha256, cache)
    assert kept is not None
    for wheel in (placed.wheel, kept):
        facts: NativeFacts = under_path(wheel.natives()["shelf/lib.so"], str(library))
        assert facts == read_native(str(library))
        offered = exports(str(library))
        assert "offered" in offered and len(wheel.exports("shelf/lib.so")) == len(offered)
        assert all(name in wheel.exports("shelf/lib.so") for name in offered)
