"""Fat binaries and offload bundles in ELF files that a compiler made."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchlink.read.gpu_code import read_device_code


def container(*entries: tuple[int, int] | tuple[int, int, int]) -> bytes:
    """A fat binary container with entries of a kind, an architecture and, where there are any, flags."""
    body = b""
    for kind, architecture, *flags in entries:
        payload = b"\x5a" * 40
        head = struct.pack("<HHIQIIHHI8xQ", kind, 0x101, 64, len(payload), 0, 0, 0, 0, architecture, *(flags or [0x11]))
        body += head.ljust(64, b"\0") + payload
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


def bundle(*triples: bytes) -> bytes:
    table = b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", len(triples))
    for triple in triples:
        table += struct.pack("<QQQ", 4096, 0, len(triple)) + triple
    return table.ljust(4096, b"\0")


def library(folder: Path, section: str, data: bytes) -> str:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    (folder / "code.bin").write_bytes(data)
    source = f'.section {section},"a"\n.incbin "{folder / "code.bin"}"\n'
    made = folder / "made.so"
    subprocess.run([compiler, "-shared", "-x", "assembler", "-", "-o", str(made)], input=source.encode(), check=True)
    return str(made)


def test_cubin_and_ptx(tmp_path: Path) -> None:
    data = container((2, 70), (2, 120)) + container((2, 70), (1, 90)) + b"\0" * 8 + container((2, 70), (2, 120))
    code = read_device_code(library(tmp_path, ".nv_fatbin", data))
    assert code.modules == {("sm_120", "sm_70"): 2, ("compute_90", "sm_70"): 1}
    assert code.architectures == ("compute_90", "sm_70", "sm_120")


def test_a_device_link_of_ptx_alone_leaves_an_empty_container(tmp_path: Path) -> None:
    code = read_device_code(library(tmp_path, ".nv_fatbin", container() + container((1, 80, 0x8011))))
    assert code.modules == {("compute_80",): 1}


def test_code_for_one_architecture_and_for_a_family(tmp_path: Path) -> None:
    """The flags are those that nvcc 13.0 writes for sm_90a, compute_90a, sm_100f and sm_100."""
    entries = ((2, 90, 0x100011), (1, 90, 0x108011), (2, 100, 0x1200011), (2, 100, 0x1000011))
    code = read_device_code(library(tmp_path, ".nv_fatbin", b"".join(map(container, entries))))
    assert code.modules == {("sm_90a",): 1, ("compute_90a",): 1, ("sm_100f",): 1, ("sm_100",): 1}
    assert code.architectures == ("compute_90a", "sm_90a", "sm_100", "sm_100f")


NVCC = shutil.which("nvcc")
KERNEL = "__global__ void one(int *p) { p[0] = 42; }\nvoid run(int *p) { one<<<1, 1>>>(p); }\n"


@pytest.mark.skipif(NVCC is None, reason="there is no nvcc")
@pytest.mark.parametrize(
    ("virtual", "real"),
    [("compute_80", "sm_80"), ("compute_80", "compute_80"), ("compute_90a", "sm_90a"), ("compute_90a", "compute_90a")],
)
def test_what_nvcc_makes(virtual: str, real: str, tmp_path: Path) -> None:
    (tmp_path / "one.cu").write_text(KERNEL, encoding="utf-8")
    made = tmp_path / "made.so"
    options = ["-shared", "-Xcompiler", "-fPIC", "-gencode", f"arch={virtual},code={real}", "-o", str(made)]
    subprocess.run([str(NVCC), str(tmp_path / "one.cu"), *options], check=True)
    assert read_device_code(str(made)).architectures == (real,)


def test_gfx(tmp_path: Path) -> None:
    data = bundle(
        b"host-x86_64-unknown-linux--", b"hipv4-amdgcn-amd-amdhsa--gfx900", b"hipv4-amdgcn-amd-amdhsa--gfx90a:xnack-"
    )
    code = read_device_code(library(tmp_path, ".hip_fatbin", data * 3))
    assert code.modules == {("gfx900", "gfx90a"): 3}


def test_compressed_bundles_are_unknown(tmp_path: Path) -> None:
    code = read_device_code(library(tmp_path, ".hip_fatbin", b"CCOB" + b"\1" * 200))
    assert (code.modules, "compressed" in code.problem) == ({}, True)


def test_a_library_without(tmp_path: Path) -> None:
    code = read_device_code(library(tmp_path, ".other", b"abc"))
    assert (code.modules, code.problem) == ({}, "")


def test_what_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello", encoding="utf-8")
    assert read_device_code(str(tmp_path / "text")).modules == {}
    assert read_device_code(str(tmp_path / "nothing")).problem


@given(data=st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_broken_sections(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("code")
    header = bytearray(64)
    header[:6] = b"\x7fELF\2\1"
    names = b"\0.nv_fatbin\0.hip_fatbin\0"
    tables = [(0, 0, 0), (1, 64, len(data)), (12, 64, len(data)), (0, 64 + len(data), len(names))]
    struct.pack_into("<Q", header, 0x28, 64 + len(data) + len(names))
    struct.pack_into("<HHH", header, 0x3A, 64, len(tables), 3)
    rows = b"".join(
        struct.pack("<IIQQQQ", name, 1, 0, 0, offset, size).ljust(64, b"\0") for name, offset, size in tables
    )
    path = folder / "made.so"
    path.write_bytes(bytes(header) + data + names + rows)
    read_device_code(str(path))
