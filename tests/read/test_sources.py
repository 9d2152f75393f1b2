"""Source files on demand: parsed once, kept between runs, read function by function."""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path

import pytest

from tests.compiled import compile_library, needs_gcc
from tests.installs import install, make_venv, read_with_tree, write
from torchlink.catalog.cache import open_cache
from torchlink.model.source import Presence
from torchlink.model.store import ByteStore
from torchlink.read.native_files import NativeReader
from torchlink.read.python_source import pack
from torchlink.read.sources import SourceFiles, family_of


class Memory:
    """A store that remembers, and counts what it is asked."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}
        self.hits = 0

    def get(self, kind: str, key: str) -> bytes | None:
        value = self.kept.get((kind, key))
        self.hits += value is not None
        return value

    def put(self, kind: str, key: str, value: bytes) -> None:
        self.kept[kind, key] = value


def sources(prefix: Path, store: ByteStore | None = None) -> SourceFiles:
    _, tree = read_with_tree(prefix)
    family = family_of(NativeReader(), tree.native_libraries())
    return SourceFiles(tree, family, store or open_cache(None, "test"))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_venv(tmp_path / "env")


def test_a_module_is_parsed_and_its_functions_are_read(site: Path) -> None:
    install(site, "shelf", "1.0", files={"shelf/__init__.py": "import os\ndef f():\n    import json\n"})
    found = sources(site.parents[2])
    path = str(site / "shelf/__init__.py")
    assert [node[0] for node in found.module(path).block] == ["import", "def"]
    assert found.module(path) is found.module(path)
    assert found.function(path, 2, 3) == (("import", 3, (("json", None),)),)
    assert "__init__.py" in found.files(str(site / "shelf"))
    assert "shelf" in found.folders(str(site))
    assert found.text(path).startswith("import os")


def test_what_cannot_be_read_has_a_reason_or_is_empty(site: Path, tmp_path: Path) -> None:
    found = sources(site.parents[2])
    missing = str(site / "missing.py")
    assert found.module(missing).problem.startswith("cannot be read")
    assert found.function(missing, 1, 2) == ()
    assert found.text(missing) == ""
    assert found.files(str(site / "nowhere")) == set()
    assert found.name_in_binary(str(site / "missing.so"), "x") is Presence.PART
    assert found.library_family(str(site / "missing.so")) == (str(site / "missing.so"),)
    fifo = tmp_path / "pipe.py"
    os.mkfifo(fifo)
    assert found.module(str(fifo)).problem != ""
    assert found.module(str(tmp_path)).problem != ""


def test_parsed_files_are_kept_until_they_change(site: Path) -> None:
    install(site, "shelf", "1.0", files={"shelf/__init__.py": "import os\n"})
    path = site / "shelf/__init__.py"
    store = Memory()
    first = sources(site.parents[2], store).module(str(path))
    assert store.hits == 0 and len(store.kept) == 1
    assert sources(site.parents[2], store).module(str(path)) == first
    assert store.hits == 1
    path.write_text("import re, os\n")
    assert sources(site.parents[2], store).module(str(path)).block[0][2] == (("re", None), ("os", None))


@pytest.mark.parametrize("meanwhile", ["gone", "another", "no permission"])
def test_what_was_changed_while_it_was_read_is_not_kept(site: Path, meanwhile: str) -> None:
    """An installer works at the same moment. Afterwards everything may be as it was when the folders were listed."""
    install(site, "shelf", "1.0", files={"shelf/__init__.py": "x = 1\ndef f():\n    return 1\n"})
    path, store = site / "shelf/__init__.py", Memory()
    before, status = path.read_text(), path.stat()
    found = sources(site.parents[2], store)
    if meanwhile == "gone":
        path.unlink()
    elif meanwhile == "another":
        path.write_text("y = 2\ndef f():\n    return 2\n# and more\n")
    elif os.geteuid() == 0:
        pytest.skip("root may read everything")
    else:
        path.chmod(0)
    found.module(str(path))
    found.function(str(path), 2, 3)
    found.stop()
    assert not found.settled
    path.unlink(missing_ok=True)
    path.write_text(before)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    again = sources(site.parents[2], store)
    assert again.module(str(path)).block[0][2] == (("n", "x"),)
    assert again.function(str(path), 2, 3) == (("return", 3, ("c", 1)),)
    assert again.settled


def test_a_module_that_nests_too_deep_is_the_same_problem_each_time(site: Path) -> None:
    install(site, "shelf", "1.0", files={"shelf/__init__.py": "x = 1" + " + 1" * 5000 + "\n"})
    store = Memory()
    problems = [sources(site.parents[2], store).module(str(site / "shelf/__init__.py")).problem for _ in range(2)]
    assert problems[0] == problems[1] != ""


def test_what_did_not_parse_for_want_of_stack_is_parsed_again(site: Path) -> None:
    install(site, "shelf", "1.0", files={"shelf/__init__.py": f"x = {'[' * 80}{']' * 80}\n"})
    path, store = str(site / "shelf/__init__.py"), Memory()
    deep, limit = sources(site.parents[2], store), sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 70)
    try:
        problem = deep.module(path).problem
    finally:
        sys.setrecursionlimit(limit)
    assert problem == "does not parse: RecursionError"
    assert sources(site.parents[2], store).module(path).problem == ""


def test_a_notebook_is_read_as_its_code(site: Path, tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": ["%pylab\n", "def f():\n", "    import a\n", "import b\n"]}
    write(tmp_path, {"note.ipynb": json.dumps({"cells": [cell]}), "broken.ipynb": "{", "empty.ipynb": ""})
    found = sources(site.parents[2])
    path = str(tmp_path / "note.ipynb")
    (function,) = (node for node in found.module(path).block if node[0] == "def")
    assert found.function(path, function[1], function[5]) == (("import", 3, (("a", None),)),)
    assert "notebook" in found.module(str(tmp_path / "broken.ipynb")).problem
    assert found.function(str(tmp_path / "empty.ipynb"), 1, 1) == ()


def test_what_was_parsed_ahead_is_the_same(site: Path) -> None:
    files = {f"shelf/m{number}.py": f"import os\nx = {number}\n" for number in range(50)}
    install(site, "shelf", "1.0", files=files)
    ahead, plain = sources(site.parents[2]), sources(site.parents[2])
    paths = [str(site / path) for path in files]
    ahead.parse_ahead(lambda parse: (parse(path) for path in paths))
    try:
        assert [pack(ahead.module(path)) for path in paths] == [pack(plain.module(path)) for path in paths]
    finally:
        ahead.stop()
        ahead.stop()


@needs_gcc
def test_a_librarys_family_are_those_of_its_package_that_speak_python(site: Path) -> None:
    origin = ("-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed")
    speaks = "extern int PyModule_Create2(void); int f(void) { return PyModule_Create2(); }"
    inner = compile_library(site / "shelf/libinner.so", speaks, "-Wl,-soname,libinner.so")
    other = compile_library(site / "shelf/libother.so", "int other;", "-Wl,-soname,libother.so")
    outer = compile_library(site / "shelf/_C.so", "int module;", *origin, inner, other)
    install(site, "shelf", "1.0", record=["shelf/libinner.so", "shelf/libother.so", "shelf/_C.so"])
    assert sources(site.parents[2]).library_family(str(outer)) == (str(outer), str(inner))
