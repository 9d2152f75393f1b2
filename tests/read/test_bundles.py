"""Facts of one wheel's files, remembered together."""

from __future__ import annotations

from pathlib import Path

from torchlink.catalog.cache import NullCache, open_cache
from torchlink.read.bundles import Bundles


def test_what_was_put_is_there_at_once_and_after_a_flush(tmp_path: Path) -> None:
    store = open_cache(tmp_path, "1")
    bundles = Bundles(store)
    bundles.put("source", "wheel", "a.py", b"1")
    bundles.put("uses", "wheel", "a.py", b"2")
    assert bundles.get("source", "wheel", "a.py") == b"1"
    assert Bundles(store).get("source", "wheel", "a.py") is None
    bundles.flush()
    again = Bundles(store)
    assert [again.get(kind, "wheel", "a.py") for kind in ("source", "uses")] == [b"1", b"2"]
    assert again.get("source", "wheel", "b.py") is None and again.get("source", "other", "a.py") is None


def test_what_was_there_before_stays(tmp_path: Path) -> None:
    store = open_cache(tmp_path, "1")
    for member in ("a.py", "b.py"):
        bundles = Bundles(store)
        bundles.put("source", "wheel", member, member.encode())
        bundles.flush()
    assert [Bundles(store).get("source", "wheel", member) for member in ("a.py", "b.py")] == [b"a.py", b"b.py"]


def test_nothing_is_written_where_nothing_is_new(tmp_path: Path) -> None:
    class Counting(NullCache):
        puts = 0

        def put(self, kind: str, key: str, value: bytes) -> None:
            self.puts += 1

    store = Counting()
    bundles = Bundles(store)
    assert bundles.get("source", "wheel", "a.py") is None
    bundles.flush()
    assert store.puts == 0
    bundles.put("source", "wheel", "a.py", b"")
    bundles.flush()
    bundles.flush()
    assert store.puts == 1
