"""What an extension uses of torch, and the torch that it was built for."""

from __future__ import annotations

import pytest

from torchlink.link.torch_abi import (
    TorchApi,
    built_for,
    is_torch_library,
    is_torch_symbol,
    minor_of,
    other_minor,
    torch_api,
)
from torchlink.model.environment import Distribution, DistributionKind
from torchlink.model.native import NativeLibrary


def distribution(version: str, *requires: str) -> Distribution:
    return Distribution(
        name="vision", version=version, kind=DistributionKind.DIST_INFO, metadata_path="", root="", requires=requires
    )


def library(needed: tuple[str, ...], undefined: tuple[str, ...]) -> NativeLibrary:
    return NativeLibrary(
        path="/x.so",
        soname="",
        machine="x86_64",
        needed=needed,
        rpath=(),
        runpath=(),
        version_needs=(),
        undefined=undefined,
    )


@pytest.mark.parametrize(
    ("version", "requires", "record", "expected"),
    [
        ("0.19.1", ("numpy", "torch (==2.4.1)"), "", "2.4.1"),
        ("0.19.1", ("torch ==2.4.1",), "", "2.4.1"),
        ("0.19.1+cu121", ("torch==2.4.1+cu121",), "", "2.4.1+cu121"),
        ("2.11.0", (), "", None),
        ("1.0", ("torch>=2.0,<3",), "", None),
        ("1.0", ("torch==2.*",), "", None),
        ("1.0", ("torchvision==0.19.0",), "", None),
        ("1.0", ("torch=2",), "", None),
        ("1.0", ('torch==2.4.0; extra == "dev"',), "", None),
        ("2.5.8+cu122torch2.3cxx11abifalse", ("torch",), "", "2.3"),
        ("2.1.2+pt21cu121", (), "", "2.1"),
        ("0.7+pt2.10cu126", (), "", "2.10"),
        ("0.7+apt21", (), "", None),
        ("0.0.30", ("torch==2.6.0",), "2.7.0+cu126", "2.7.0+cu126"),
        ("0.0.30", ("torch==2.6.0",), "nonsense", "2.6.0"),
    ],
)
def test_the_torch_that_an_extension_was_built_for(
    version: str, requires: tuple[str, ...], record: str, expected: str | None
) -> None:
    built = built_for(distribution(version, *requires), record)
    assert (built and built.version) == expected


def test_minor_releases() -> None:
    assert minor_of("2.4.1+cu121") == (2, 4)
    assert minor_of("2.10.0.dev20251101") == (2, 10)
    assert minor_of("") == (0, 0)
    built = built_for(distribution("1", "torch==2.4.1"), "")
    assert built is not None
    assert not other_minor(built, "2.4.0+cpu")
    assert other_minor(built, "2.5.1")
    assert not other_minor(built, "unknown")


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("_ZN2at4_ops10zeros_like4callERKNS_6TensorE", True),
        ("_ZNK3c1011StorageImpl4dataEv", True),
        ("_ZTIN5torch8autograd4NodeE", True),
        ("_Z16THPVariable_WrapN2at10TensorBaseE", True),
        ("_ZNSt6vectorIN2at6TensorESaIS1_EE9push_backERKS1_", True),
        ("_ZN12at_something3fooEv", False),
        ("_ZNSt6vectorIiSaIiEE9push_backERKi", False),
        ("aoti_torch_new_tensor_handle", False),
        ("PyList_New", False),
    ],
)
def test_symbols_of_torch(symbol: str, expected: bool) -> None:
    assert is_torch_symbol(symbol) is expected


def test_libraries_of_torch() -> None:
    names = (
        "libtorch.so",
        "libtorch_cpu.so",
        "libtorch_cuda_linalg.so",
        "libtorch_python.so",
        "libc10.so",
        "libc10_hip.so",
    )
    assert all(map(is_torch_library, names))
    assert not any(
        map(is_torch_library, ("libtorchaudio.so", "libtorchtext.so", "libc10d.so", "libc.so.6", "libtorch.so.1"))
    )


def test_what_an_extension_uses_of_torch() -> None:
    assert torch_api(library(("libc.so.6",), ("_ZN3c105ErrorC2Ev",))) is TorchApi.NONE
    assert torch_api(library(("libtorch.so",), ("aoti_torch_empty", "PyList_New"))) is TorchApi.STABLE
    assert torch_api(library(("libc10.so",), ("_ZN3c105ErrorC2Ev",))) is TorchApi.UNSTABLE
