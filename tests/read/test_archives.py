"""Zip files on the search path."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torchlink.model.errors import UnreadableError
from torchlink.read.archives import archive_listings, read_member


def make(path: Path, members: dict[str, str]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return str(path)


def test_members(tmp_path: Path) -> None:
    path = make(tmp_path / "a.egg", {"pkg/__init__.py": "x = 1", "empty/": "", "/rooted.py": ""})
    listings = archive_listings(path)
    assert listings is not None
    files, folders = listings[path]
    assert set(files) == {"rooted.py"}
    assert folders == {"pkg", "empty"}
    assert read_member(path, "pkg/__init__.py", 100) == b"x = 1"


def test_bounds(tmp_path: Path) -> None:
    path = make(tmp_path / "bomb.egg", {"big": "0" * 1_000_000})
    with pytest.raises(UnreadableError, match="longer than 1000 bytes"):
        read_member(path, "big", 1000)
    with pytest.raises(UnreadableError, match="no such member"):
        read_member(path, "absent", 1000)
    with pytest.raises(UnreadableError, match="not a zip file"):
        read_member(str(tmp_path), "big", 1000)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(position=st.integers(0, 230), junk=st.binary(min_size=1, max_size=12))
def test_damaged_archives(tmp_path: Path, position: int, junk: bytes) -> None:
    path = make(tmp_path / "a.egg", {"pkg/__init__.py": "x = 1" * 20, "EGG-INFO/PKG-INFO": "Name: a\n"})
    data = bytearray((tmp_path / "a.egg").read_bytes())
    data[position : position + len(junk)] = junk
    (tmp_path / "a.egg").write_bytes(data)
    archive_listings(path)
    try:
        read_member(path, "EGG-INFO/PKG-INFO", 1000)
    except UnreadableError as error:
        assert "\n" not in str(error)
