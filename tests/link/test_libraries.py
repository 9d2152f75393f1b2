"""Our search for libraries and symbols is that of this machine's own dynamic linker."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.compiled import compile_library, needs_gcc
from torchlink.link.libraries import Loader, folders
from torchlink.link.process import Process
from torchlink.read.native_files import NativeReader

pytestmark = [needs_gcc, pytest.mark.skipif(sys.platform != "linux", reason="asks the dynamic linker of Linux")]

NEW, OLD = "-Wl,--enable-new-dtags", "-Wl,--disable-new-dtags"
ALL = "-Wl,--no-as-needed"


def lib(path: Path, source: str, *flags: str | Path) -> Path:
    return compile_library(path, source, f"-Wl,-soname,{path.name}", ALL, *flags)


def found_by_rpath(root: Path) -> Path:
    low = lib(root / "libs/liblow.so.1", "int low(void) { return 1; }")
    return lib(root / "top.so", "int low(void); int top(void) { return low(); }", low, OLD, "-Wl,-rpath,$ORIGIN/libs")


def found_by_runpath(root: Path) -> Path:
    low = lib(root / "libs/liblow.so.1", "int low(void) { return 1; }")
    return lib(root / "top.so", "int low(void); int top(void) { return low(); }", low, NEW, "-Wl,-rpath,${ORIGIN}/libs")


def rpath_is_inherited(root: Path) -> Path:
    low = lib(root / "libs/liblow.so.1", "int low(void) { return 1; }")
    middle = lib(root / "libs/libmiddle.so.1", "int middle;", low)
    return lib(root / "top.so", "int top;", middle, OLD, "-Wl,-rpath,$ORIGIN/libs", "-Wl,--allow-shlib-undefined")


def runpath_is_not_inherited(root: Path) -> Path:
    low = lib(root / "libs/liblow.so.1", "int low(void) { return 1; }")
    middle = lib(root / "libs/libmiddle.so.1", "int middle;", low)
    return lib(root / "top.so", "int top;", middle, NEW, "-Wl,-rpath,$ORIGIN/libs", "-Wl,--allow-shlib-undefined")


def nothing_finds_it(root: Path) -> Path:
    low = lib(root / "libs/liblow.so.1", "int low(void) { return 1; }")
    return lib(root / "top.so", "int low(void); int top(void) { return low(); }", low)


def a_symbol_is_missing(root: Path) -> Path:
    return lib(root / "top.so", "int low(void); int top(void) { return low(); }")


def a_weak_symbol_is_missing(root: Path) -> Path:
    source = "int low(void) __attribute__((weak)); int top(void) { return low ? low() : 0; }"
    return lib(root / "top.so", source)


def a_sibling_brings_the_symbol(root: Path) -> Path:
    low = lib(root / "libs/liblow.so.1", "int low(void) { return 1; }")
    middle = lib(root / "libs/libmiddle.so.1", "int low(void); int middle(void) { return low(); }")
    flags = ("-Wl,-rpath,$ORIGIN/libs", "-Wl,--allow-shlib-undefined")
    return lib(root / "top.so", "int middle(void); int top(void) { return middle(); }", middle, low, OLD, *flags)


def python_brings_the_symbol(root: Path) -> Path:
    return lib(root / "top.so", "extern void *PyList_New(long); void *top(void) { return PyList_New(1); }")


def a_version_is_missing(root: Path) -> Path:
    script = root / "map"
    for versions in ("V1 { global: low; }; V2 { global: other; } V1;", "V1 { global: low; };"):
        script.write_text(versions)
        source = "int low(void) { return 1; } int other(void) { return 1; }"
        low = lib(root / "libs/liblow.so.1", source, f"-Wl,--version-script={script}")
        if "V2" in versions:
            source = "int other(void); int top(void) { return other(); }"
            top = lib(root / "top.so", source, low, OLD, "-Wl,-rpath,$ORIGIN/libs")
    return top


def the_system_brings_the_library(root: Path) -> Path:
    path = root / "top.so"
    command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(path), ALL, "-lm"]
    subprocess.run(command, input="double sin(double); double top(double x) { return sin(x); }", text=True, check=True)
    return path


CASES = (
    found_by_rpath,
    found_by_runpath,
    rpath_is_inherited,
    runpath_is_not_inherited,
    nothing_finds_it,
    a_symbol_is_missing,
    a_weak_symbol_is_missing,
    a_sibling_brings_the_symbol,
    python_brings_the_symbol,
    a_version_is_missing,
    the_system_brings_the_library,
)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("library_path", [False, True])
def test_the_dynamic_linker_agrees(tmp_path: Path, case: Callable[[Path], Path], library_path: bool) -> None:
    tmp_path.mkdir(exist_ok=True)
    top = str(case(tmp_path))
    extra = (str(tmp_path / "libs"),) if library_path else ()
    process = Process(files=NativeReader(), natives=[top], owners={}, executable=sys.executable, library_path=extra)
    faults = process.load(top, torch=False)
    loads, message = _really_loads(top, extra)
    assert faults.unknown == ()
    assert faults.any is not loads, message
    if not loads:
        targets = [one.soname for one in faults.missing] + [one.missing.version for one in faults.versions]
        targets += [symbol for one in faults.symbols for symbol in one.symbols]
        assert targets[0] in message


def _really_loads(path: str, library_path: tuple[str, ...]) -> tuple[bool, str]:
    code = f"import ctypes; ctypes.CDLL({path!r})"
    variables = {**os.environ, "LD_LIBRARY_PATH": ":".join(library_path)}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def test_origin_is_the_folder_of_the_library() -> None:
    entries = ("$ORIGIN/../x", "${ORIGIN}", "/abs/", "relative", "")
    assert folders(entries, "/a/b/c.so") == ("/a/x", "/a/b", "/abs")


def test_a_circle_of_libraries_ends(tmp_path: Path) -> None:
    second = lib(tmp_path / "libsecond.so", "int second;")
    first = lib(tmp_path / "libfirst.so", "int first;", second, "-Wl,-rpath,$ORIGIN")
    lib(tmp_path / "libsecond.so", "int second;", first, "-Wl,-rpath,$ORIGIN")
    closure = Loader(NativeReader()).closure(str(first), {})
    assert closure.order == (str(first), str(second))


def test_a_library_for_another_machine_is_passed_over(tmp_path: Path) -> None:
    low = lib(tmp_path / "good/liblow.so.1", "int low(void) { return 1; }")
    flags = ("-Wl,-rpath,$ORIGIN/bad:$ORIGIN/good",)
    top = lib(tmp_path / "top.so", "int low(void); int top(void) { return low(); }", low, *flags)
    bad = tmp_path / "bad" / "liblow.so.1"
    bad.parent.mkdir()
    data = bytearray(low.read_bytes())
    data[18] = 3
    bad.write_bytes(data)
    assert Loader(NativeReader()).closure(str(top), {}).names["liblow.so.1"] == str(low)


def test_this_interpreter_has_its_own_symbols() -> None:
    reader = NativeReader()
    closure = Loader(reader).closure(reader.real(sys.executable), {})
    assert closure.missing == ()
    assert any(reader.exported(path, frozenset({"PyList_New"})) for path in closure.order)
    assert ctypes.pythonapi.PyList_New
