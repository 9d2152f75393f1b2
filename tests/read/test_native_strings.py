"""Names in the read-only data of compiled libraries."""

from __future__ import annotations

from pathlib import Path

from tests.compiled import compile_library, handmade_library, needs_gcc
from torchlink.model.source import Presence
from torchlink.read.native_strings import NativeStrings

TABLE = (
    'const char *table[] = {"whole_name", "torch._C._dotted", "prefix_tail_merged", "tail_merged", "a longer text"};'
)


@needs_gcc
def test_names_stand_whole_or_in_part_or_not_at_all(tmp_path: Path) -> None:
    strings = NativeStrings(str(compile_library(tmp_path / "a.so", TABLE, "-O2", "-Wl,-O2")))
    assert strings.presence("whole_name") is Presence.WHOLE
    assert strings.presence("_dotted") is Presence.WHOLE
    assert strings.presence("prefix_tail_merged") is Presence.WHOLE
    assert strings.presence("tail_merged") in (Presence.WHOLE, Presence.PART)
    assert strings.presence("longer") is Presence.ABSENT
    assert strings.presence("text") is Presence.PART
    assert strings.presence("absent_name") is Presence.ABSENT
    assert strings.presence("\ud800") is Presence.ABSENT


@needs_gcc
def test_cython_may_compress_its_names(tmp_path: Path) -> None:
    source = 'const char *names[] = {"__pyx_capi__"};'
    assert NativeStrings(str(compile_library(tmp_path / "a.so", source))).presence("gone") is Presence.PART


@needs_gcc
def test_rust_ends_no_string_with_a_null_byte(tmp_path: Path) -> None:
    source = 'const char *names[] = {"firstsecondthird", "/rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library"};'
    strings = NativeStrings(str(compile_library(tmp_path / "a.so", source)))
    assert strings.presence("second") is Presence.PART
    assert strings.presence("fourth") is Presence.ABSENT


@needs_gcc
def test_a_stripped_library_still_has_its_strings(tmp_path: Path) -> None:
    strings = NativeStrings(str(compile_library(tmp_path / "a.so", TABLE, "-s")))
    assert strings.presence("whole_name") is Presence.WHOLE
    assert strings.presence("absent_name") is Presence.ABSENT


def test_a_library_without_sections_is_searched_whole(tmp_path: Path) -> None:
    strings = NativeStrings(str(handmade_library(tmp_path / "a.so", wide=True, order="<")))
    assert strings.presence("offered") is Presence.WHOLE
    assert strings.presence("gone") is Presence.ABSENT


def test_what_cannot_be_read_may_hold_anything(tmp_path: Path) -> None:
    assert NativeStrings(str(tmp_path / "missing.so")).presence("x") is Presence.PART
    assert NativeStrings(str(tmp_path)).presence("x") is Presence.PART
    (tmp_path / "empty.so").write_bytes(b"")
    assert NativeStrings(str(tmp_path / "empty.so")).presence("x") is Presence.PART
