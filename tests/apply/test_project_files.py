"""The project's files: all or none, back byte for byte, and nothing that somebody else wrote is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchlink.apply import project_files
from torchlink.apply.journal import Entry
from torchlink.model.errors import TorchlinkError
from torchlink.model.transaction import FileChange


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Entry, Path, Path]:
    """Two files that change: one that is there, with its mode, and one that is made."""
    entry = Entry(tmp_path / "1")
    entry.path.mkdir()
    there, made = tmp_path / "run.sh", tmp_path / "constraints.txt"
    there.write_bytes(b"old\r\n")
    there.chmod(0o755)
    changes = [
        FileChange(path=there, before=b"old\r\n", after=b"new\r\n"),
        FileChange(path=made, before=None, after=b"x"),
    ]
    project_files.keep(entry, changes)
    return entry, there, made


def test_forward_and_back(kept: tuple[Entry, Path, Path]) -> None:
    entry, there, made = kept
    for _ in range(2):
        project_files.forward(entry)
    assert (there.read_bytes(), made.read_bytes(), there.stat().st_mode & 0o777) == (b"new\r\n", b"x", 0o755)
    for _ in range(2):
        assert project_files.back(entry) == []
    assert (there.read_bytes(), there.stat().st_mode & 0o777, made.exists()) == (b"old\r\n", 0o755, False)


def test_what_somebody_else_wrote_stays(kept: tuple[Entry, Path, Path]) -> None:
    entry, there, made = kept
    project_files.forward(entry)
    there.write_bytes(b"mine")
    assert project_files.touched(entry) == [there]
    assert project_files.back(entry) == [there]
    assert there.read_bytes() == b"mine" and not made.exists()


def test_a_file_that_is_no_longer_as_it_was_read_is_not_changed(kept: tuple[Entry, Path, Path]) -> None:
    entry, there, _ = kept
    there.write_bytes(b"mine")
    with pytest.raises(TorchlinkError, match="changed meanwhile"):
        project_files.forward(entry)
    assert there.read_bytes() == b"mine"


def test_a_link_stays_a_link_to_a_file_that_changes(tmp_path: Path) -> None:
    entry = Entry(tmp_path / "1")
    entry.path.mkdir()
    (tmp_path / "real.txt").write_bytes(b"old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    project_files.keep(entry, [FileChange(path=tmp_path / "link.txt", before=b"old", after=b"new")])
    project_files.forward(entry)
    assert (tmp_path / "link.txt").is_symlink() and (tmp_path / "real.txt").read_bytes() == b"new"
