"""A few facts of a released wheel."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.compiled import compile_library, needs_gcc
from tests.exports import PaperExports
from tests.wheels import make_wheel
from torchlink.catalog.releases import lines, pack, unpack
from torchlink.model.native import NumpyAbi
from torchlink.model.release import ReleaseFact
from torchlink.read import release
from torchlink.read.index import IndexFile
from torchlink.read.release import read_release
from torchlink.read.wheel_archive import WheelArchive

DLL = b"MZ" + bytes(100) + b"PyCapsule_GetPointer\0numpy.core._multiarray_umath\0Numpy is not available\0C10.dll\0"


EXPORTS = PaperExports(("2.8.0", "2.9.0", "2.9.1"), {"_ZN3c105freshEi": ("2.9.0", "2.9.1")})


def fact_of(path: Path, version: str = "1.0") -> ReleaseFact:
    data = path.read_bytes()
    file = IndexFile(filename=path.name, url="", version=version, sha256="ab", size=len(data))
    return read_release(WheelArchive(io.BytesIO(data), path.name, len(data)), file, "user", EXPORTS)


def test_files_that_are_not_elf_show_numpys_names_too(tmp_path: Path) -> None:
    files = {"user/x.pyd": DLL, "user/y.pyd": b"MZ numpy.core._multiarray_umath"}
    fact = fact_of(make_wheel(tmp_path, "user", "1.0", files, requires=("torch==2.4.0", "x; extra=='y'")))
    assert (fact.numpy, fact.numpy_seen, fact.unread) == (NumpyAbi.NUMPY_1, "user/x.pyd", 0)
    assert fact.requires == ("torch==2.4.0",)
    assert fact.torch == "2.4" and "user/x.pyd uses torch's C++ interface" in fact.torch_seen


def test_large_libraries_are_passed_over_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "MOST_PACKED", 40)
    fact = fact_of(make_wheel(tmp_path, "user", "1.0", {"user/x.pyd": DLL}))
    assert (fact.numpy, fact.unread) == (NumpyAbi.NONE, 1)


def test_facts_travel_as_lines(tmp_path: Path) -> None:
    fact = fact_of(make_wheel(tmp_path, "user", "1.0", {"user/x.pyd": DLL}))
    assert unpack(pack(fact)) == fact
    older = fact_of(make_wheel(tmp_path, "user", "0.9"), "0.9")
    assert [unpack(line).version for line in lines([fact, older])] == ["0.9", "1.0"]


@needs_gcc
def test_without_a_pin_the_exports_of_torch_show_what_it_was_built_for(tmp_path: Path) -> None:
    torch = compile_library(tmp_path / "libc10.so", "int x;", "-Wl,-soname,libc10.so")
    source = "namespace c10 { void fresh(int); } void f() { c10::fresh(1); }"
    path = compile_library(tmp_path / "_C.so", source, "-Wl,--no-as-needed", torch, language="c++")
    fact = fact_of(make_wheel(tmp_path, "user", "1.0", {"user/_C.so": path.read_bytes()}))
    assert (fact.torch, fact.torch_exporting, fact.torch_lacking) == ("", ("2.9.0", "2.9.1"), ("2.8.0",))
    assert fact.torch_seen.endswith("all that it needs of torch is exported by torch 2.9.0 to 2.9.1 only")
    assert unpack(pack(fact)) == fact
