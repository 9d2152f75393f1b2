"""The ELF reader on files that gcc made, on hand-made ones, and on broken ones."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.compiled import compile_library, handmade_library, needs_gcc
from torchlink.model.errors import UnreadableError
from torchlink.model.native import VersionNeed
from torchlink.read.elf import DynamicSection, exports, offers, read_library
from torchlink.read.elf_hash import gnu_hash, sysv_hash
from torchlink.read.elf_image import ElfImage

SOURCE = """
extern int strong(void); extern int weak(void) __attribute__((weak));
int offered(void) { return strong() + (weak ? weak() : 0); }
int offered_too(void) { return 1; }
static int hidden(void) { return 2; }
int (*keep)(void) = hidden;
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return compile_library(tmp_path / "libfirst.so", SOURCE, "-Wl,-soname,libfirst.so.1")


@needs_gcc
def test_tells_strong_undefined_symbols_from_weak_ones(library: Path) -> None:
    facts = read_library(str(library))
    assert facts.undefined == ("strong",)
    assert facts.soname == "libfirst.so.1"
    assert facts.machine == os.uname().machine
    assert facts.needed == () and facts.rpath == () and facts.runpath == ()


@needs_gcc
def test_knows_what_a_library_offers(library: Path) -> None:
    assert exports(str(library)) == {"offered", "offered_too", "keep"}
    assert offers(str(library), ["offered", "hidden", "strong", "keep", "", "x" * 600]) == {"offered", "keep"}


@needs_gcc
@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_reads_both_kinds_of_hash_table(tmp_path: Path, style: str) -> None:
    path = str(compile_library(tmp_path / "lib.so", SOURCE, f"-Wl,--hash-style={style}"))
    assert read_library(path).undefined == ("strong",)
    assert exports(path) == {"offered", "offered_too", "keep"}
    assert offers(path, ["offered", "offered_too", "strong"]) == {"offered", "offered_too"}


@needs_gcc
@pytest.mark.parametrize("style", ["gnu", "sysv"])
def test_reads_a_library_that_offers_nothing(tmp_path: Path, style: str) -> None:
    source = "extern int strong(void); static int f(void) { return strong(); } static int (*keep)(void) "
    source += '__attribute__((used)) = f; extern int data; int *pointer __attribute__((visibility("hidden"))) = &data;'
    path = str(compile_library(tmp_path / "lib.so", source, f"-Wl,--hash-style={style}"))
    assert set(read_library(path).undefined) == {"strong", "data"}
    assert exports(path) == frozenset()


@needs_gcc
def test_reads_needs_and_folders(tmp_path: Path, library: Path) -> None:
    flags = ("-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN/libs:/opt/x")
    new = read_library(str(compile_library(tmp_path / "new.so", "int a;", library, "-Wl,--no-as-needed", *flags)))
    assert new.runpath == ("$ORIGIN/libs", "/opt/x") and new.rpath == ()
    flags = ("-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN")
    source = "extern int offered(void); int b(void) { return offered(); }"
    old = read_library(str(compile_library(tmp_path / "old.so", source, library, *flags)))
    assert old.needed == ("libfirst.so.1",) and old.rpath == ("$ORIGIN",) and old.runpath == ()


@needs_gcc
def test_reads_versions_on_both_sides(tmp_path: Path) -> None:
    script = tmp_path / "map"
    script.write_text("OLD_1 { global: f; local: *; }; NEW_2 { global: g; } OLD_1;")
    source = "int f(void) { return 1; } int g(void) { return 2; }"
    provider = compile_library(tmp_path / "libv.so", source, "-Wl,-soname,libv.so", f"-Wl,--version-script={script}")
    assert read_library(str(provider)).version_definitions == ("OLD_1", "NEW_2")
    source = "extern int f(void); extern int g(void); extern int h(void); int x(void) { return f() + g() + h(); }"
    needer = read_library(str(compile_library(tmp_path / "user.so", source, provider)))
    assert set(needer.version_needs) == {
        VersionNeed(library="libv.so", version="OLD_1"),
        VersionNeed(library="libv.so", version="NEW_2"),
    }
    assert needer.undefined == ("h",), "versioned symbols are left to their versions"


@needs_gcc
def test_reads_32_bit_files(tmp_path: Path) -> None:
    try:
        path = str(compile_library(tmp_path / "lib.so", SOURCE, "-m32", "-fno-pic"))
    except subprocess.CalledProcessError:
        pytest.skip("this gcc has no 32-bit target")
    facts = read_library(path)
    assert (facts.machine, facts.undefined) == ("i686", ("strong",))
    assert offers(path, ["offered", "strong"]) == {"offered"}


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_reads_every_class_and_byte_order(tmp_path: Path, wide: bool, order: str) -> None:
    path = str(handmade_library(tmp_path / "lib.so", wide=wide, order=order))
    facts = read_library(path)
    assert (facts.soname, facts.needed, facts.undefined) == ("libhand.so", ("libother.so",), ("wanted",))
    assert facts.machine == "ppc64"
    assert exports(path) == {"offered"}
    assert offers(path, ["offered", "wanted"]) == {"offered"}


@needs_gcc
def test_sections_are_a_shortcut_that_may_be_missing(tmp_path: Path, library: Path) -> None:
    with ElfImage(str(library)) as image:
        assert image.section(b".dynsym") is not None
        assert image.section(b".nothing") is None
    stripped = handmade_library(tmp_path / "lib.so", wide=True, order="<")
    with ElfImage(str(stripped)) as image:
        assert image.section(b".dynsym") is None


def test_hashes_are_those_of_the_specifications() -> None:
    assert gnu_hash(b"") == 0x1505
    assert gnu_hash(b"printf") == 0x156B2BB8
    assert gnu_hash(b"flapenguin.me") == 0x8AE9F18E
    assert sysv_hash(b"printf") == 0x077905A6
    assert sysv_hash(b"") == 0


@given(st.binary(max_size=1500))
def test_gnu_hash_is_the_same_for_long_names(name: bytes) -> None:
    value = 5381
    for byte in name:
        value = (value * 33 + byte) % 2**32
    assert gnu_hash(name) == value


def test_says_what_is_wrong_with_other_files(tmp_path: Path) -> None:
    text = tmp_path / "libc.so"
    text.write_text("/* GNU ld script */ INPUT(-lc)")
    with pytest.raises(UnreadableError, match=r"libc\.so: is not an ELF file"):
        read_library(str(text))
    (tmp_path / "empty.so").write_bytes(b"")
    with pytest.raises(UnreadableError, match="is not an ELF file"):
        read_library(str(tmp_path / "empty.so"))
    with pytest.raises(UnreadableError, match="No such file"):
        read_library(str(tmp_path / "missing.so"))
    with pytest.raises(UnreadableError):
        read_library(str(tmp_path))


@needs_gcc
def test_every_truncation_is_an_error_or_the_same_answer(library: Path, tmp_path: Path) -> None:
    whole, data = read_library(str(library)), library.read_bytes()
    cut = tmp_path / "cut.so"
    for size in range(0, len(data), 97):
        cut.write_bytes(data[:size])
        try:
            facts = read_library(str(cut))
        except UnreadableError:
            continue
        assert facts.needed == whole.needed and facts.undefined == whole.undefined


@needs_gcc
@settings(
    max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_no_bytes_make_it_raise_anything_else(library: Path, tmp_path: Path, data: st.DataObject) -> None:
    _survives_mutation(library.read_bytes(), tmp_path, data)


@settings(max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_make_it_raise_anything_else_in_small_files(tmp_path: Path, data: st.DataObject) -> None:
    wide, order = data.draw(st.booleans()), data.draw(st.sampled_from("<>"))
    content = handmade_library(tmp_path / "hand.so", wide=wide, order=order).read_bytes()
    _survives_mutation(content, tmp_path, data)


def _survives_mutation(content: bytes, folder: Path, data: st.DataObject) -> None:
    """Change some bytes, mostly in the tables, and read everything: facts or `UnreadableError`, nothing else."""
    mutated = bytearray(content)
    limit = data.draw(st.sampled_from((400, 1200, len(content))))
    for _ in range(data.draw(st.integers(1, 8))):
        position = data.draw(st.integers(0, min(limit, len(content)) - 1))
        mutated[position] = data.draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF, data.draw(st.integers(0, 255)))))
    path = folder / "mutated.so"
    path.write_bytes(mutated)
    try:
        facts = read_library(str(path))
        assert all("\0" not in name for name in (*facts.undefined, *facts.needed))
        with ElfImage(str(path)) as image:
            dynamic = DynamicSection(image)
            dynamic.offers("offered")
            dynamic.exports()
            dynamic.names_to_look_up()
            image.section(b".rodata")
            image.interpreter()
    except UnreadableError as error:
        assert "\n" not in str(error)
