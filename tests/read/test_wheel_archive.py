"""Archives that are wheels, and archives that are attacks."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wheels import make_wheel
from torchlink.model.errors import UnreadableError
from torchlink.read import wheel_archive
from torchlink.read.wheel_archive import HeldStorage, WheelArchive


def archive(path: Path) -> WheelArchive:
    data = path.read_bytes()
    return WheelArchive(io.BytesIO(data), path.name, len(data))


def test_members_are_what_zipfile_reads(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "shelf", "1.0", {"shelf/__init__.py": "x = 1\n" * 5000, "shelf/data.bin": bytes(99)})
    opened = archive(path)
    with zipfile.ZipFile(path) as peer:
        for member in opened.members:
            expected = peer.read(member.name)
            assert opened.packed(member).unpacked("x") == expected
            held = opened.held(member)
            assert held.read_at(0, len(expected)) == expected


def test_of_a_large_file_both_ends_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel_archive, "KEPT_HEAD", 100)
    monkeypatch.setattr(wheel_archive, "KEPT_TAIL", 50)
    data = bytes(range(250)) * 2
    held = HeldStorage(len(data))
    for at in range(0, len(data), 20):
        held.add(data[at : at + 20])
    assert held.read_at(10, 90) == data[10:100]
    assert held.read_at(460, 80) == data[460:]
    with pytest.raises(UnreadableError):
        held.read_at(90, 40)


def test_a_damaged_member_is_told(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "shelf", "1.0", {"shelf/__init__.py": b"".join(bytes([i % 251]) for i in range(9999))})
    data = bytearray(path.read_bytes())
    data[60:70] = bytes(10)
    opened = WheelArchive(io.BytesIO(data), "shelf", len(data))
    with pytest.raises(UnreadableError, match=r"damaged|unpacked"):
        opened.packed(opened.members[0]).unpacked("shelf/__init__.py")
    with pytest.raises(UnreadableError, match=r"damaged|unpacked"):
        opened.held(opened.members[0])


def test_a_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel_archive, "INFLATED_FREELY", 2**20)
    opened = archive(make_wheel(tmp_path, "shelf", "1.0", {"shelf/big.so": bytes(40 * 2**20)}))
    with pytest.raises(UnreadableError, match="inflates to far more"):
        opened.held(opened.members[0])


def test_hostile_names_are_not_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.whl"
    with zipfile.ZipFile(path, "w") as made:
        for name in ("../up.py", "/etc/x.py", "a/../../b.py", "a\\b.py", "folder/", "fine/x.py"):
            made.writestr(name, "")
    assert [member.name for member in archive(path).members] == ["fine/x.py"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = make_wheel(tmp_path_factory.mktemp("w"), "shelf", "1.0", {"shelf/__init__.py": "x = 1\n" * 50})
    content = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[at] = data.draw(st.integers(0, 255))
    try:
        opened = WheelArchive(io.BytesIO(content), "shelf", len(content))
        for member in opened.members:
            opened.packed(member).unpacked(member.name)
            opened.held(member)
    except UnreadableError:
        pass
