"""What constant data says, where the loader looks, and how facts are kept."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compiled import compile_library, handmade_library, needs_gcc
from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFacts, NumpyAbi, NumpyFailure
from torchlink.read.ld_cache import default_folders, parse_cache, read_cache
from torchlink.read.native import read_native
from torchlink.read.native_codec import pack, unpack
from torchlink.read.native_files import NativeReader, uses_musl

CAPSULE = (
    "extern void *PyCapsule_GetPointer(void *, const char *); void *f(void) { return PyCapsule_GetPointer(0, 0); }"
)


def numpy_facts(path: Path, *strings: str, source: str = CAPSULE) -> NativeFacts:
    quoted = ", ".join(f'"{text}"' for text in strings)
    return read_native(str(compile_library(path, f"{source}\nconst char *names[] = {{{quoted}}};")))


@needs_gcc
def test_tells_the_generations_of_numpy(tmp_path: Path) -> None:
    path = tmp_path / "lib.so"
    assert numpy_facts(path, "nothing").numpy is NumpyAbi.NONE
    assert numpy_facts(path, "numpy.core._multiarray_umath").numpy is NumpyAbi.NUMPY_1
    both = numpy_facts(
        path,
        "numpy.core._multiarray_umath",
        "numpy._core._multiarray_umath",
        "module was compiled against NumPy C-API version 0x%x (NumPy 1.23) but the running NumPy has",
    )
    assert (both.numpy, both.numpy_level) == (NumpyAbi.NUMPY_2, "1.23")
    assert numpy_facts(path, "numpy.core._multiarray_umath", source="int x;").numpy is NumpyAbi.NONE


@needs_gcc
@pytest.mark.parametrize(
    ("strings", "failure"),
    [
        (("numpy.core.multiarray failed to import",), NumpyFailure.IMPORT_ERROR),
        (("%s size changed, may indicate binary incompatibility",), NumpyFailure.VALUE_ERROR),
        (("Numpy is not available",), NumpyFailure.WARNING),
        (("numpy.core.multiarray failed to import", "pybind11_object"), NumpyFailure.UNKNOWN),
        ((), NumpyFailure.UNKNOWN),
    ],
)
def test_tells_how_an_extension_answers(tmp_path: Path, strings: tuple[str, ...], failure: NumpyFailure) -> None:
    facts = numpy_facts(tmp_path / "lib.so", "numpy.core._multiarray_umath", *strings)
    assert facts.numpy_failure is failure


@needs_gcc
def test_reads_the_operators_that_an_extension_registers(tmp_path: Path) -> None:
    source = "extern void _ZN5torch7LibraryC1Ev(void); void f(void) { _ZN5torch7LibraryC1Ev(); }\n"
    source += (
        'const char *s[] = {"vision::nms(Tensor dets, float t) -> Tensor", "roi(Tensor x) -> Tensor", "a::b() -> "};'
    )
    facts = read_native(str(compile_library(tmp_path / "lib.so", source)))
    assert set(facts.operators) == {"vision::nms", "a::b"}


def test_reads_constants_without_section_headers(tmp_path: Path) -> None:
    facts = read_native(str(handmade_library(tmp_path / "lib.so", wide=True, order="<")))
    assert facts.numpy is NumpyAbi.NONE and facts.library.soname == "libhand.so"


@needs_gcc
def test_facts_survive_a_cache(tmp_path: Path) -> None:
    facts = {
        str(path): read_native(str(path))
        for path in (
            compile_library(tmp_path / "one.so", CAPSULE, "-Wl,-soname,one.so", "-Wl,-rpath,$ORIGIN"),
            handmade_library(tmp_path / "two.so", wide=False, order=">"),
        )
    }
    assert unpack(pack(facts)) == facts
    assert unpack(pack({})) == {}
    reader = NativeReader(known=facts)
    (tmp_path / "one.so").unlink()
    assert reader.facts(str(tmp_path / "one.so")) == facts[str(tmp_path / "one.so")]
    assert reader.known() == facts


@needs_gcc
def test_a_damaged_cache_is_told(tmp_path: Path) -> None:
    path = str(compile_library(tmp_path / "one.so", CAPSULE))
    data = pack({path: read_native(path)})
    for broken in (b"", b"other/1", data[:-3], data + b"\0x", data.replace(b"none", b"what")):
        with pytest.raises(UnreadableError, match="cached facts"):
            unpack(broken)


@given(st.binary(max_size=300))
def test_no_cache_raises_anything_else(data: bytes) -> None:
    with suppress(UnreadableError):
        unpack(b"native-facts/1\0" + data)


def cache(entries: list[tuple[str, str, int]]) -> bytes:
    """An ``ld.so.cache`` of (name, path, hwcap)."""
    start = 48 + 24 * len(entries)
    strings, rows = b"", b""
    for name, path, hwcap in entries:
        key = start + len(strings)
        strings += name.encode() + b"\0"
        value = start + len(strings)
        strings += path.encode() + b"\0"
        rows += struct.pack("<iIIIQ", 0x303, key, value, 0, hwcap)
    header = b"glibc-ld.so.cache1.1" + struct.pack("<II", len(entries), len(strings))
    return header.ljust(48, b"\0") + rows + strings


def test_reads_the_loader_cache() -> None:
    data = cache(
        [("liba.so", "/fast/liba.so", 1 << 62), ("liba.so", "/lib/liba.so", 0), ("libb.so", "/lib/libb.so", 0)]
    )
    expected = {"liba.so": ("/lib/liba.so", "/fast/liba.so"), "libb.so": ("/lib/libb.so",)}
    assert parse_cache(data) == expected
    assert parse_cache(b"ld.so-1.7.0" + bytes(21) + data) == expected
    assert parse_cache(b"") == {} and parse_cache(data[:60]) == {} and parse_cache(b"\0" * 100) == {}


@given(st.binary(max_size=400))
def test_no_loader_cache_makes_it_raise(noise: bytes) -> None:
    parse_cache(noise)
    parse_cache(cache([("liba.so", "/lib/liba.so", 0)])[:48] + noise)


@pytest.mark.skipif(shutil.which("ldconfig") is None or sys.platform != "linux", reason="asks ldconfig")
def test_reads_this_machines_loader_cache_as_ldconfig_does() -> None:
    output = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    lines = [line.strip().split(" ", 1) for line in output.splitlines() if "=>" in line]
    assert {name for name, _ in lines} == set(read_cache())


def test_a_missing_cache_is_empty(tmp_path: Path) -> None:
    assert read_cache(str(tmp_path / "none")) == {}
    assert "/usr/lib/x86_64-linux-gnu" in default_folders("x86_64")
    assert default_folders("nowhere", musl=True) == ("/lib", "/usr/local/lib", "/usr/lib")


def test_knows_its_own_c_library() -> None:
    assert uses_musl("/nonexistent") is False
