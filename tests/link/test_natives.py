"""What loading compiled libraries would do: torch's extensions, NumPy's, and those of neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compiled import needs_gcc
from tests.exports import PaperExports
from tests.installs import install, make_venv
from tests.link.natives import (
    BINDINGS,
    NUMPY_1,
    NUMPY_2,
    SUFFIX,
    distribution,
    environment_with_torch,
    extension,
    linker,
)
from torchlink.model.native import LoadOutcome
from torchlink.model.reach import LibraryReach, Reach
from torchlink.model.reference import Kind, Severity

pytestmark = needs_gcc
NOTHING = Reach(modules={}, libraries={})
MACRO = '"numpy.core.multiarray failed to import"'


def reaching(path: Path, *, guarded: bool = False, optional: bool = False) -> Reach:
    chain = ("train.py:1", "vision")
    library = LibraryReach(path=str(path), chain=chain, guarded=guarded, optional=optional)
    return Reach(modules={"torch": chain}, libraries={str(path): library})


def test_a_sound_environment_has_no_findings(tmp_path: Path) -> None:
    site = environment_with_torch(tmp_path)
    distribution(site, "vision", "0.19.0", {"vision/_C.so": extension(site, ["kept"])}, requires=["torch==2.4.1"])
    install(site, "numpy", "2.2.0")
    links = linker(tmp_path).links(reaching(site / "vision/_C.so"))
    assert links.broken == () and links.undecided == ()
    assert links.references >= 5


def test_a_missing_torch_symbol_names_both_and_is_readable(tmp_path: Path) -> None:
    site = environment_with_torch(tmp_path)
    distribution(site, "vision", "0.20.0", {"vision/_C.so": extension(site, ["kept", "gone"])})
    native = linker(tmp_path)
    load = native.load(str(site / "vision/_C.so"))
    assert (load.outcome, load.exception) == (LoadOutcome.FAILS, "ImportError")
    assert load.reason.endswith("undefined symbol: _ZN3c104goneEi")
    (broken,) = native.links(reaching(site / "vision/_C.so")).broken
    assert (broken.kind, broken.severity, broken.target) == (Kind.SYMBOL, Severity.BREAK, "_ZN3c104goneEi")
    assert broken.culprits == ("vision", "torch")
    assert "c10::gone(...)" in broken.cause and "built for another torch" in broken.cause
    assert broken.chain == ("train.py:1", "vision")


def test_severity_follows_reach(tmp_path: Path) -> None:
    site = environment_with_torch(tmp_path)
    distribution(site, "vision", "0.20.0", {"vision/_C.so": extension(site, ["gone"])})
    native, path = linker(tmp_path), site / "vision/_C.so"
    assert [one.severity for one in native.links(reaching(path, guarded=True)).broken] == [Severity.RISK]
    assert [one.severity for one in native.links(NOTHING).broken] == [Severity.RISK]
    assert native.links(reaching(path, optional=True)).broken == ()


@pytest.mark.parametrize(
    ("requirement", "tag", "sound"),
    [
        ("torch==2.4.1", "", True),
        ("torch (==2.3.1)", "", False),
        ("torch>=2.0", "", True),
        ("torch==2.3.*", "", False),
        ("torch==2.3.0; extra == 'x'", "", True),
        ("torch>=2.0", "+cu121torch2.3cxx11abifalse", False),
        ("torch>=2.0", "+pt24cu121", True),
        ("torch>=2.0", "+pt23cu121", False),
    ],
)
def test_another_minor_torch_is_fatal_without_a_missing_symbol(
    tmp_path: Path, requirement: str, tag: str, sound: bool
) -> None:
    site = environment_with_torch(tmp_path)
    distribution(site, "vision", f"0.18.1{tag}", {"vision/_C.so": extension(site, ["kept"])}, requires=[requirement])
    load = linker(tmp_path).load(str(site / "vision/_C.so"))
    expected = (LoadOutcome.LOADS, "") if sound else (LoadOutcome.FAILS, "crash")
    assert (load.outcome, load.exception) == expected


def test_the_stable_interface_outlives_minor_releases(tmp_path: Path) -> None:
    site = environment_with_torch(tmp_path)
    flags = ("-Wl,--no-as-needed", site / "torch/lib/libc10.so")
    good = "extern void aoti_torch_kept(void); void f(void) { aoti_torch_kept(); }"
    new = "extern void aoti_torch_new(void); void f(void) { aoti_torch_new(); }"
    files = {"audio/good.abi3.so": (good, flags), "audio/new.abi3.so": (new, flags)}
    distribution(site, "audio", "2.11.0", files, requires=["torch==2.9.0"])
    native = linker(tmp_path)
    assert native.load(str(site / "audio/good.abi3.so")).outcome is LoadOutcome.LOADS
    load = native.load(str(site / "audio/new.abi3.so"))
    assert load.outcome is LoadOutcome.FAILS and load.broken[0].culprits == ("audio", "torch")


KEPT, GONE = "_ZN3c104keptEi", "_ZN3c104goneEi"
RELEASES = ("2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.5.1")


def test_the_releases_that_export_all_it_needs_are_evidence(tmp_path: Path) -> None:
    site = environment_with_torch(tmp_path)
    distribution(site, "vision", "0.20.0", {"vision/_C.so": extension(site, ["kept", "gone", "other"])})
    exports = PaperExports(RELEASES, {KEPT: RELEASES[1:], GONE: ("2.2.0", "2.5.0", "2.5.1")})
    broken = linker(tmp_path, exports).links(reaching(site / "vision/_C.so")).broken
    assert [one.cause.partition(": ")[2] for one in broken] == [
        "all that it needs of torch is exported by torch 2.5.0 to 2.5.1 only"
    ] * 2
    details = [piece.detail for piece in broken[0].evidence]
    assert details[1:] == ["all that it needs of torch is exported by torch 2.5.0 to 2.5.1 only"]


def test_what_no_release_exports_shows_nothing_of_the_release(tmp_path: Path) -> None:
    site = environment_with_torch(tmp_path)
    distribution(site, "vision", "0.20.0", {"vision/_C.so": extension(site, ["gone"])})
    (broken,) = linker(tmp_path, PaperExports(RELEASES, {})).links(reaching(site / "vision/_C.so")).broken
    assert broken.cause.endswith("it was built for another torch") and len(broken.evidence) == 1


@pytest.mark.parametrize(
    ("pinned", "exporting", "sound"),
    [
        ("2.3.0", ("2.4.0", "2.5.0"), True),  # no release of 2.3 exports what it needs: its metadata is wrong
        ("2.3.0", ("2.3.0", "2.4.0"), False),
        ("2.3.0", ("2.5.0",), False),
        ("2.6.0", ("2.4.0", "2.5.0"), False),  # of 2.6 nothing is known
        ("2.3.0", (), False),
    ],
)
def test_bytes_speak_against_metadata(tmp_path: Path, pinned: str, exporting: tuple[str, ...], sound: bool) -> None:
    site = environment_with_torch(tmp_path)
    files = {"vision/_C.so": extension(site, ["kept"])}
    distribution(site, "vision", "0.18.1", files, requires=[f"torch=={pinned}"])
    load = linker(tmp_path, PaperExports(RELEASES, {KEPT: exporting})).load(str(site / "vision/_C.so"))
    assert load.outcome is (LoadOutcome.LOADS if sound else LoadOutcome.FAILS)


def test_what_a_build_recorded_counts_before_its_metadata(tmp_path: Path) -> None:
    site = environment_with_torch(tmp_path)
    distribution(site, "formers", "0.0.30", {"formers/_C.so": extension(site, ["kept"])}, requires=["torch>=2"])
    (site / "formers/cpp_lib.json").write_text('{"version": {"torch": "2.5.0+cu121"}}')
    assert "torch 2.5" in linker(tmp_path).load(str(site / "formers/_C.so")).reason
    (site / "formers/cpp_lib.json").write_text("[" * 100_000)
    assert linker(tmp_path).load(str(site / "formers/_C.so")).outcome is LoadOutcome.LOADS


def test_a_torch_without_cuda_lacks_its_libraries(tmp_path: Path) -> None:
    site = environment_with_torch(tmp_path, "2.4.0+cpu")
    source, flags = extension(site, ["kept"])
    fake = site.parent / "libc10_cuda.so"
    distribution(site, "helper", "1", {"../libc10_cuda.so": ("int x;", ("-Wl,-soname,libc10_cuda.so",))})
    distribution(site, "vision", "0.19.0", {"vision/_C.so": (source, (*flags, fake))}, requires=["torch==2.4.0"])
    fake.unlink()
    (broken,) = linker(tmp_path).links(NOTHING).broken
    assert (broken.kind, broken.target, broken.culprits) == (Kind.LIBRARY, "libc10_cuda.so", ("vision", "torch"))
    assert "2.4.0+cpu" in broken.cause


def test_torch_built_for_numpy_1_is_broken_wherever_torch_is_reached(tmp_path: Path) -> None:
    site = environment_with_torch(tmp_path, "2.1.2", NUMPY_1)
    install(site, "numpy", "2.0.2")
    native = linker(tmp_path)
    load = native.load(str(site / f"torch/_C{SUFFIX}"))
    assert (load.outcome, load.broken) == (LoadOutcome.WARNS, ())
    (broken,) = native.links(Reach(modules={"torch": ("a.py:1", "torch")}, libraries={})).broken
    assert (broken.kind, broken.severity) == (Kind.NUMPY_ABI, Severity.BREAK)
    assert (broken.needer.name, broken.provider.name) == ("torch", "numpy")
    assert broken.culprits == ("numpy", "torch")
    assert broken.symptom == "RuntimeError: Numpy is not available"
    assert [one.severity for one in native.links(NOTHING).broken] == [Severity.RISK]


@pytest.mark.parametrize(
    ("strings", "numpy", "outcome", "exception"),
    [
        (f"{NUMPY_1}, {MACRO}", "2.2.6", LoadOutcome.FAILS, "ImportError"),
        (f"{NUMPY_1}, {MACRO}", "1.26.4", LoadOutcome.LOADS, ""),
        (f'{NUMPY_1}, "size changed, may indicate binary incompatibility"', "2.0.0", LoadOutcome.FAILS, "ValueError"),
        (f'{NUMPY_1}, {MACRO}, "pybind11::handle"', "2.0.0", LoadOutcome.WARNS, "ImportError"),
        (NUMPY_2, "2.3.5", LoadOutcome.LOADS, ""),
        (NUMPY_2, "1.23.5", LoadOutcome.LOADS, ""),
        (
            f'{NUMPY_2}, "module was compiled against NumPy C-API version 0x%x (NumPy 2.0) but"',
            "1.26.4",
            LoadOutcome.FAILS,
            "ImportError",
        ),
        (
            f'{NUMPY_2}, "module was compiled against NumPy C-API version 0x%x (NumPy 1.23) but"',
            "1.26.4",
            LoadOutcome.LOADS,
            "",
        ),
        ('"numpy"', "2.0.0", LoadOutcome.LOADS, ""),
    ],
)
def test_extensions_against_numpy(
    tmp_path: Path, strings: str, numpy: str, outcome: LoadOutcome, exception: str
) -> None:
    site = make_venv(tmp_path)
    distribution(site, "frames", "1.0", {f"frames/lib{SUFFIX}": (BINDINGS % strings, ())})
    install(site, "numpy", numpy)
    load = linker(tmp_path).load(str(site / f"frames/lib{SUFFIX}"))
    assert (load.outcome, load.exception) == (outcome, exception)


def test_cython_files_without_the_c_api_are_of_their_siblings_generation(tmp_path: Path) -> None:
    site = make_venv(tmp_path)
    quiet = BINDINGS % f'{MACRO}, "size changed, may indicate binary incompatibility"'
    files = {f"frames/quiet{SUFFIX}": (quiet, ())}
    distribution(site, "alone", "1.0", {f"alone/quiet{SUFFIX}": (quiet, ())})
    distribution(site, "frames", "1.0", {**files, f"frames/loud{SUFFIX}": (BINDINGS % NUMPY_1, ())})
    install(site, "numpy", "2.0.0")
    native = linker(tmp_path)
    assert native.load(str(site / f"frames/quiet{SUFFIX}")).outcome is LoadOutcome.FAILS
    assert native.load(str(site / f"alone/quiet{SUFFIX}")).outcome is LoadOutcome.UNKNOWN


def test_a_missing_library_is_told_only_where_it_is_loaded(tmp_path: Path) -> None:
    site = make_venv(tmp_path)
    distribution(site, "helper", "1", {"helper/libgone.so": ("int x;", ("-Wl,-soname,libgone.so.7",))})
    flags = ("-Wl,--no-as-needed", site / "helper/libgone.so")
    distribution(site, "codec", "1", {"codec/_ffmpeg.so": ("int y;", flags)})
    (site / "helper/libgone.so").unlink()
    native, path = linker(tmp_path), site / "codec/_ffmpeg.so"
    assert native.links(NOTHING).broken == ()
    (broken,) = native.links(reaching(path)).broken
    assert (broken.kind, broken.severity, broken.target) == (Kind.LIBRARY, Severity.BREAK, "libgone.so.7")
    assert native.load(str(path)).reason.startswith("libgone.so.7: cannot open shared object file")


def test_a_library_that_something_else_may_have_loaded_is_unknown(tmp_path: Path) -> None:
    site = make_venv(tmp_path)
    distribution(site, "helper", "1", {"helper/libthere.so.7": ("int x;", ("-Wl,-soname,libthere.so.7",))})
    flags = ("-Wl,--no-as-needed", site / "helper/libthere.so.7")
    distribution(site, "user", "1", {"user/_C.so": ("int y;", flags)})
    native = linker(tmp_path)
    load = native.load(str(site / "user/_C.so"))
    assert load.outcome is LoadOutcome.UNKNOWN and "libthere.so.7" in load.reason
    assert [one.reached for one in native.links(reaching(site / "user/_C.so")).undecided] == [True]


def test_unreadable_files_are_unknown(tmp_path: Path) -> None:
    site = make_venv(tmp_path)
    distribution(site, "user", "1", {"user/_C.so": ("int y;", ())})
    path = site / "user/_C.so"
    path.write_bytes(path.read_bytes()[:300])
    native = linker(tmp_path)
    load = native.load(str(path))
    assert load.outcome is LoadOutcome.UNKNOWN and "truncated" in load.reason
    assert native.load(str(site / "nothing.so")).outcome is LoadOutcome.UNKNOWN


def test_libraries_of_the_same_package_may_be_loaded_before(tmp_path: Path) -> None:
    site = make_venv(tmp_path)
    distribution(site, "audio", "1", {"audio/lib/libaudio.so": ("int x;", ("-Wl,-soname,libaudio.so",))})
    flags = ("-Wl,--no-as-needed", site / "audio/lib/libaudio.so")
    distribution(
        site,
        "audio",
        "1",
        {"audio/lib/libaudio.so": ("int x;", ("-Wl,-soname,libaudio.so",)), "audio/_audio.so": ("int y;", flags)},
    )
    assert linker(tmp_path).load(str(site / "audio/_audio.so")).outcome is LoadOutcome.LOADS


def test_symbols_of_torch_without_its_libraries_may_come_from_one_that_is_loaded_before(tmp_path: Path) -> None:
    """As cuda-core 1.2.0 has it: ``_tensor_bridge.so`` needs ``aoti_torch_*`` and no library that exports them."""
    site = environment_with_torch(tmp_path)
    source = "extern void %s(void); void PyInit__bridge(void) { %s(); }"
    files = {
        f"bridge/_bridge{SUFFIX}": (source % ("aoti_torch_kept", "aoti_torch_kept"), ()),
        f"bridge/_gone{SUFFIX}": (source % ("aoti_torch_gone", "aoti_torch_gone"), ()),
    }
    distribution(site, "bridge", "1", files)
    native = linker(tmp_path)
    load = native.load(str(site / f"bridge/_bridge{SUFFIX}"))
    assert load.outcome is LoadOutcome.UNKNOWN and "may be loaded before it" in load.reason
    assert native.load(str(site / f"bridge/_gone{SUFFIX}")).outcome is LoadOutcome.FAILS
    links = native.links(NOTHING)
    assert [one.target for one in links.broken] == ["aoti_torch_gone"]


def test_of_a_foreign_environment_only_its_own_parts_are_judged(tmp_path: Path) -> None:
    site = environment_with_torch(tmp_path)
    uses = ("-Wl,--no-as-needed", "-lc")
    source, flags = extension(site, ["kept"])
    gone, _ = extension(site, ["gone"])
    files = {"vision/_C.so": (source, (*flags, *uses)), "vision/gone.so": (gone, (*flags, *uses))}
    distribution(site, "vision", "0.19.0", files, requires=["torch==2.4.0"])
    distribution(
        site, "plain", "1", {"plain/_C.so": ("void *PyList_New(long); void *f(void) { return PyList_New(1); }", uses)}
    )
    interpreter = tmp_path / "bin/python"
    interpreter.unlink()
    interpreter.symlink_to("/nowhere/python3")
    native = linker(tmp_path)
    assert native.load(str(site / "vision/_C.so")).outcome is LoadOutcome.UNKNOWN
    assert native.load(str(site / "plain/_C.so")).outcome is LoadOutcome.UNKNOWN
    assert native.load(str(site / "vision/gone.so")).outcome is LoadOutcome.FAILS
