"""Files read over HTTP ranges, from a server that runs in the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wheels import serve
from torchlink.model.errors import UnreadableError
from torchlink.read import http
from torchlink.read.http import UnreachableError
from torchlink.read.range_file import NoRangesError, RangeFile


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    content = bytes(number * number % 251 for number in range(900_000))
    (tmp_path / "big.whl").write_bytes(content)
    return content


def test_any_part_reads_as_from_disk(tmp_path: Path, data: bytes) -> None:
    with serve(tmp_path) as server, RangeFile(f"{server.url}/files/big.whl") as file:
        assert file.size == len(data)
        for turn in range(60):
            at, amount = turn * 7_654_321 % len(data), (0, 1, 30, 5000, 300_000)[turn % 5]
            file.seek(at)
            assert file.read(amount) == data[at : at + amount]
            assert file.tell() == min(at + amount, len(data))


def test_reading_on_in_order_takes_few_requests(tmp_path: Path, data: bytes) -> None:
    with serve(tmp_path) as server, RangeFile(f"{server.url}/files/big.whl", len(data)) as file:
        parts = []
        while part := file.read(1000):
            parts.append(part)
        assert b"".join(parts) == data
        assert len(server.requests) <= 5


def test_a_server_without_ranges_is_told_apart(tmp_path: Path, data: bytes) -> None:
    with serve(tmp_path) as server:
        server.ranges = False
        with pytest.raises(NoRangesError):
            RangeFile(f"{server.url}/files/big.whl", len(data))


def test_what_is_not_there_and_who_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with serve(tmp_path) as server:
        with pytest.raises(UnreadableError, match="is not there"):
            RangeFile(f"{server.url}/files/none.whl", 10)
        server.broken = True
        with pytest.raises(UnreachableError, match="HTTP 503"):
            RangeFile(f"{server.url}/files/big.whl", 10)
    with pytest.raises(UnreachableError, match="cannot be reached"):
        RangeFile(f"{server.url}/files/big.whl", 10)


def test_credentials_are_sent_and_never_shown() -> None:
    assert http.shown("https://me:secret@index.example/simple/x?token=1") == "https://index.example/simple/x"
    assert http._credentials("https://me:s%40t@index.example/x") == ("https://index.example/x", "Basic bWU6c0B0")
