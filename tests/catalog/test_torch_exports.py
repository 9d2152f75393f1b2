"""The table of what torch exports: packed, shipped, and rebuilt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from torchlink.catalog.torch_exports import (
    MinedWheel,
    digest,
    gathered,
    pack,
    shipped_exports,
    unpack,
)

PROJECT = Path(__file__).parent.parent.parent


def mined(version: str) -> MinedWheel:
    return MinedWheel(version=version, filename=f"torch-{version}-cp311-cp311-linux_x86_64.whl", sha256=version)


TABLE = gathered([
    (mined("2.0.0"), map(digest, ("old", "kept"))),
    (mined("2.1.0"), map(digest, ("kept", "between"))),
    (mined("2.2.0"), map(digest, ("kept", "new"))),
])  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "releases"),
    [
        ("old", ("2.0.0",)),
        ("between", ("2.1.0",)),
        ("kept", ("2.0.0", "2.1.0", "2.2.0")),
        ("new", ("2.2.0",)),
        ("never", ()),
        ("", ()),
        ("\udcff", ()),
    ],
)
def test_releases_of_a_symbol(symbol: str, releases: tuple[str, ...]) -> None:
    assert TABLE.releases_exporting(symbol) == releases


def test_what_is_packed_is_the_same_again() -> None:
    assert unpack(pack(TABLE)) == TABLE
    assert unpack(pack(gathered(()))) == gathered(())


def test_symbols_of_a_release() -> None:
    assert TABLE.of_release(1) == {digest("kept"), digest("between")}


def test_the_shipped_table_is_sound() -> None:
    table = shipped_exports()
    names = len(table.digests) // 5
    assert len(table.releases) >= 30 and names > 200_000
    assert len(table.indexes) == 2 * names
    assert len(pack(table)) < 5_000_000


@pytest.mark.parametrize(
    ("symbol", "first", "last"),
    [
        # at::empty_like takes c10::optional up to torch 2.1, which is an alias of std::optional from 2.2 on.
        (
            "_ZN2at4_ops10empty_like4callERKNS_6TensorEN3c108optionalINS5_10ScalarTypeEEENS6_INS5_6LayoutEEE"
            "NS6_INS5_6DeviceEEENS6_IbEENS6_INS5_12MemoryFormatEEE",
            "1.10.0",
            "2.1.2",
        ),
        (
            "_ZN2at4_ops10empty_like4callERKNS_6TensorESt8optionalIN3c1010ScalarTypeEES5_INS6_6LayoutEE"
            "S5_INS6_6DeviceEES5_IbES5_INS6_12MemoryFormatEE",
            "2.2.0",
            "2.15.0",
        ),
    ],
)
def test_the_shipped_table_knows_torch(symbol: str, first: str, last: str) -> None:
    found = shipped_exports().releases_exporting(symbol)
    assert (found[0], found[-1]) == (first, last)
    assert shipped_exports().releases_exporting("PyList_New") == ()


@pytest.mark.lab
def test_a_release_that_is_read_again_is_the_same() -> None:
    command = [sys.executable, str(PROJECT / "scripts" / "build_torch_exports.py"), "--check", "2.5.1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
