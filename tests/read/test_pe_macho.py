"""Libraries of Windows and macOS, on real files."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchlink.cli.main import run
from torchlink.model.errors import UnreadableError
from torchlink.model.native import NumpyAbi
from torchlink.read.pe_macho import read_other
from torchlink.read.wheel_archive import HeldStorage

DISTLIB = find_spec("distlib")
launcher = pytest.mark.skipif(DISTLIB is None, reason="distlib, which carries a Windows program, is not installed")


def held(data: bytes) -> HeldStorage:
    storage = HeldStorage(len(data))
    storage.add(data)
    return storage


def program() -> bytes:
    """The launcher of console scripts, which pip puts on Windows machines."""
    assert DISTLIB is not None
    assert DISTLIB.origin is not None
    return (Path(DISTLIB.origin).parent / "t64.exe").read_bytes()


@launcher
def test_lief_keeps_its_word_to_itself() -> None:
    """Its binding tells at the end of a process what was not freed, as after `running.without_collector`."""
    code = "import gc, tests.read.test_pe_macho as t; t.read_other('t64.exe', t.held(t.program())); gc.freeze()"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


@launcher
def test_a_windows_program() -> None:
    facts, exports = read_other("t64.exe", held(program()))
    library = facts.library
    assert (library.format, library.machine, facts.numpy) == ("PE", "x86_64", NumpyAbi.NONE)
    assert "KERNEL32.dll" in library.needed
    assert "GetModuleFileNameW" in library.undefined
    assert exports == frozenset()


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF" + bytes(60)])
def test_other_files(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="no ELF, PE or Mach-O"):
        read_other("x.so", held(data))


@pytest.mark.parametrize("magic", [b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"])
def test_a_beginning_alone_is_damaged(magic: bytes) -> None:
    with pytest.raises(UnreadableError, match="is damaged"):
        read_other("x.pyd", held(magic + bytes(500)))


@launcher
@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, 4096), bytes_=st.binary(min_size=1, max_size=64), end=st.integers(64, 110_000))
def test_a_damaged_program_is_read_or_refused(at: int, bytes_: bytes, end: int) -> None:
    data = program()[:end]
    data = data[:at] + bytes_ + data[at + len(bytes_) :]
    try:
        facts, _ = read_other("t64.exe", held(data))
    except UnreadableError:
        return
    assert facts.library.format in {"PE", "Mach-O"}


def test_without_lief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lief", None)
    with pytest.raises(UnreadableError, match=r"torchlink\[mine\]"):
        read_other("x.pyd", held(b"MZ" + bytes(500)))


@pytest.mark.lab
@pytest.mark.parametrize(
    ("release", "platform", "member", "expected"),
    [
        (("numpy", "1.26.4"), "win_amd64", "numpy/random/_pcg64.cp311-win_amd64.pyd", ("PE", "x86_64", "numpy-1")),
        (
            ("numpy", "2.1.3"),
            "macosx_14_0_arm64",
            "numpy/linalg/_umath_linalg.cpython-311-darwin.so",
            ("Mach-O", "arm64", "numpy-2"),
        ),
        (("torchvision", "0.19.0"), "win_amd64", "torchvision/_C.pyd", ("PE", "x86_64", "none")),
        (("torchvision", "0.19.0"), "macosx_11_0_arm64", "torchvision/_C.so", ("Mach-O", "arm64", "none")),
    ],
)
def test_real_wheels(
    release: tuple[str, str],
    platform: str,
    member: str,
    expected: tuple[str, str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--platform", platform, "--python-version", "3.11", "--format", "json", "--no-cache"]
    assert run(["catalog", "show", *release, *options]) == 0
    found = json.loads(capsys.readouterr().out)
    (native,) = (one for one in found["natives"] if one["member"] == member)
    assert (native["format"], native["machine"], native["numpy"]) == expected
    assert found["problems"] == []
    if release[0] == "torchvision":
        assert any("c10" in name for name in native["needed"])
        assert native["undefined"] > 100
        assert native["exports"] > 20
