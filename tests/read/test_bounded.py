"""Reading files that may be anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import read_bounded, read_head


def test_reads_up_to_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    assert read_head(path, 3) == b"123"
    with pytest.raises(UnreadableError, match="longer than 4 bytes"):
        read_bounded(path, 4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableError, match="not a regular file"):
        read_bounded(tmp_path / "pipe", 10)


@pytest.mark.parametrize("name", ["absent", "folder", "loop", "nul\0name"])
def test_what_cannot_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UnreadableError) as error:
        read_bounded(f"{tmp_path}/{name}", 10)
    assert "\n" not in str(error.value)


def test_an_endless_device_is_refused() -> None:
    with pytest.raises(UnreadableError):
        read_bounded("/dev/zero", 10)
