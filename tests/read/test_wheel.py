"""What is kept of a wheel's native libraries."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.compiled import compile_library, needs_gcc
from torchlink.catalog.cache import NullCache
from torchlink.model.source import Presence
from torchlink.read.native_strings import NativeStrings
from torchlink.read.wheel import Wheel, mine
from torchlink.read.wheel_archive import WheelArchive

SPEAKING = 'extern void *PyModule_Create2(const char *); void *PyInit_a(void) { return PyModule_Create2("offered"); }'
SHARING = """extern void *PyCapsule_Import(const char *, int);
void *PyInit_c(void) { return PyCapsule_Import("shelf.c__mypyc.init_c", 0); }
"""
SILENT = "extern void *init(void); void *PyInit_b(void) { return init(); }"


def wheel_of(folder: Path, sources: dict[str, str]) -> Wheel:
    path = folder / "shelf-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as packed:
        for name, source in sources.items():
            packed.write(compile_library(folder / name, source), name)
    with path.open("rb") as opened:
        archive = WheelArchive(opened, path.name, path.stat().st_size)
        return mine(archive, "", NullCache(), lambda _done, _total: None)


@needs_gcc
def test_names_of_a_library(tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path, {"a.so": SPEAKING})
    said = NativeStrings("a.so", lambda: wheel.strings("a.so"))
    assert said.presence("offered") is Presence.WHOLE
    assert said.presence("other") is Presence.ABSENT


@needs_gcc
def test_an_extension_that_never_calls_python_offers_no_names_as_on_disk(tmp_path: Path) -> None:
    """torch's ``_C`` is one: what it has comes from the library that it needs."""
    wheel = wheel_of(tmp_path, {"b.so": SILENT})
    assert NativeStrings(str(tmp_path / "b.so")).presence("other") is Presence.ABSENT
    assert NativeStrings("b.so", lambda: wheel.strings("b.so")).presence("other") is Presence.ABSENT
    assert NativeStrings("gone.so", lambda: wheel.strings("gone.so")).presence("other") is Presence.PART


@needs_gcc
def test_what_a_module_of_mypyc_offers_is_not_known_as_on_disk(tmp_path: Path) -> None:
    """charset-normalizer's ``md`` is one: its names are in a library that it shares with others."""
    wheel = wheel_of(tmp_path, {"c.so": SHARING})
    assert NativeStrings(str(tmp_path / "c.so")).presence("other") is Presence.PART
    assert NativeStrings("c.so", lambda: wheel.strings("c.so")).presence("other") is Presence.PART


@needs_gcc
@pytest.mark.parametrize(
    "source",
    [
        'const char *names[] = {"nms"}; int offered;',
        "extern int _ZN5torch7LibraryC2Ev; int *PyInit_d(void) { return &_ZN5torch7LibraryC2Ev; }",
    ],
)
def test_the_names_of_operators_are_not_kept(tmp_path: Path, source: str) -> None:
    """torchvision's ``_C`` is one: it may offer whatever it likes to torch."""
    wheel = wheel_of(tmp_path, {"d.so": source})
    assert NativeStrings("d.so", lambda: wheel.strings("d.so")).presence("nms") is Presence.PART
