"""The cache on disk."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from torchlink.catalog import cache as cache_module
from torchlink.catalog.cache import FILE_NAME, NullCache, SqliteCache, cache_folder, open_cache


def test_what_is_put_is_found_by_the_next_run(tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "new" / "folder", "1")
    assert cache.get("facts", "a") is None
    cache.put("facts", "a", b"value")
    assert cache.get("facts", "a") == b"value"
    assert cache.get("other", "a") is None
    cache.close()
    again = open_cache(tmp_path / "new" / "folder", "1")
    assert again.get("facts", "a") == b"value"
    again.put("facts", "a", b"new")
    again.close()
    assert open_cache(tmp_path / "new" / "folder", "1").get("facts", "a") == b"new"


def test_another_version_sees_nothing(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, "1")
    cache.put("facts", "a", b"value")
    cache.close()
    assert open_cache(tmp_path, "2").get("facts", "a") is None


def broken_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(f"{FILE_NAME}.broken-*"))


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 4096, b"\0" * 200])
def test_a_broken_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    cache = open_cache(tmp_path, "1")
    assert isinstance(cache, SqliteCache)
    cache.put("facts", "a", b"value")
    cache.close()
    assert broken_files(tmp_path) == [f"{FILE_NAME}.broken-1"]
    assert open_cache(tmp_path, "1").get("facts", "a") == b"value"


def test_a_file_of_another_format_is_set_aside(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("CREATE TABLE entry (old TEXT)")
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    cache = open_cache(tmp_path, "1")
    cache.put("facts", "a", b"value")
    cache.close()
    assert open_cache(tmp_path, "1").get("facts", "a") == b"value"
    assert broken_files(tmp_path) == [f"{FILE_NAME}.broken-1"]


def test_only_three_are_kept(tmp_path: Path) -> None:
    for _ in range(6):
        (tmp_path / FILE_NAME).write_bytes(b"junk" * 1000)
        open_cache(tmp_path, "1").close()
    assert len(broken_files(tmp_path)) == 3


def test_a_file_that_breaks_inside_is_given_up_and_rebuilt(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, "1")
    for number in range(300):
        cache.put("facts", str(number), os.urandom(2_000))
    cache.close()
    path = tmp_path / FILE_NAME
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xee" * (len(data) - 8192)
    path.write_bytes(data)
    cache = open_cache(tmp_path, "1")
    assert all(cache.get("facts", str(number)) is None for number in range(300))
    cache.put("facts", "a", b"value")
    cache.close()
    fresh = open_cache(tmp_path, "1")
    fresh.put("facts", "a", b"value")
    fresh.close()
    assert open_cache(tmp_path, "1").get("facts", "a") == b"value"


def test_a_value_that_was_damaged_is_not_believed(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, "1")
    cache.put("facts", "a", b"value")
    cache.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("UPDATE entry SET value = substr(value, 1, 8) || CAST('VALUE' AS BLOB)")
    connection.close()
    assert open_cache(tmp_path, "1").get("facts", "a") is None


def test_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (None, tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere/torchlink")):
        cache = open_cache(folder, "1")
        assert isinstance(cache, NullCache)
        cache.put("facts", "a", b"value")
        assert cache.get("facts", "a") is None
        cache.close()
    (tmp_path / FILE_NAME).mkdir()
    assert isinstance(open_cache(tmp_path, "1"), NullCache)


def test_a_locked_file_loses_values_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_BUSY_S", 0.05)
    open_cache(tmp_path, "1").close()
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    cache = open_cache(tmp_path, "1")
    assert cache.get("facts", "a") is None
    cache.put("facts", "a", b"value")
    cache.close()
    other.execute("ROLLBACK")
    other.close()
    assert not broken_files(tmp_path)


def test_a_read_only_file_is_read(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, "1")
    cache.put("facts", "a", b"value")
    cache.close()
    other = sqlite3.connect(f"file:{tmp_path / FILE_NAME}?mode=ro", uri=True, isolation_level=None)
    reader = SqliteCache(tmp_path / FILE_NAME, other, "1")
    assert reader.get("facts", "a") == b"value"
    reader.put("facts", "b", b"value")
    reader.close()
    assert open_cache(tmp_path, "1").get("facts", "b") is None


def test_the_oldest_go_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_day(day: int) -> None:
        monkeypatch.setattr(time, "time", lambda: day * 86_400.0)

    def put(name: str) -> None:
        cache = open_cache(tmp_path, "1", max_bytes=10_000)
        cache.put("facts", name, b"x" * 3_000)
        cache.close()

    def kept() -> list[str]:
        cache = open_cache(tmp_path, "1", max_bytes=10_000)
        return [name for name in "abcd" if cache.get("facts", name)]

    for day, name in enumerate("abc"):
        on_day(day)
        put(name)
    on_day(5)
    cache = open_cache(tmp_path, "1", max_bytes=10_000)
    assert cache.get("facts", "a"), "used today"
    cache.close()
    put("d")
    assert kept() == ["a", "d"]


def test_what_is_too_large_is_not_kept(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, "1", max_bytes=100)
    cache.put("facts", "a", b"x" * 101)
    assert cache.get("facts", "a") is None


def use(folder: str, seed: int) -> None:
    for number in range(15):
        cache = open_cache(Path(folder), "1")
        cache.put("facts", f"{seed}-{number}", f"{seed}-{number}".encode() * 50)
        for other in range(4):
            value = cache.get("facts", f"{other}-{number}")
            if value not in (None, f"{other}-{number}".encode() * 50):
                sys.exit(7)
        cache.close()


def test_several_processes_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=use, args=(str(tmp_path), seed)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    cache = open_cache(tmp_path, "1")
    found = [cache.get("facts", f"{seed}-{number}") for seed in range(4) for number in range(15)]
    assert None not in found
    assert not broken_files(tmp_path)


@pytest.mark.parametrize(
    ("variables", "platform", "folder"),
    [
        ({"HOME": "/h"}, "linux", "/h/.cache/torchlink"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "linux", "/x/torchlink"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "relative"}, "linux", "/h/.cache/torchlink"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Caches/torchlink"),
        ({"LOCALAPPDATA": "/l"}, "win32", "/l/torchlink"),
        ({"USERPROFILE": "/u"}, "win32", "/u/AppData/Local/torchlink"),
        ({"HOME": "/h", "TORCHLINK_CACHE_DIR": "/own"}, "linux", "/own"),
        ({}, "linux", None),
        ({"HOME": ""}, "darwin", None),
        ({"HOME": "relative"}, "linux", None),
    ],
)
def test_where_it_lies(variables: dict[str, str], platform: str, folder: str | None) -> None:
    assert cache_folder(variables, platform) == (Path(folder) if folder else None)


def test_it_is_quick(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, "1")
    cache.put("facts", "a", b"x" * 100_000)
    cache.close()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        again = open_cache(tmp_path, "1")
        again.get("facts", "a")
        times.append(time.perf_counter() - start)
        again.close()
    assert min(times) < 0.005
