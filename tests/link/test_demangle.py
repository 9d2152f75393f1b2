"""Readable names for mangled symbols."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchlink.link.demangle import demangle

CASES = {
    "_ZN2at4_ops10zeros_like4callERKNS_6TensorEN3c108optionalINS5_10ScalarTypeEEE": "at::_ops::zeros_like::call(...)",
    "_ZNK5torch8autograd4Node4nameB5cxx11Ev": "torch::autograd::Node::name[abi:cxx11](...) const",
    "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSaIcEEE": "c10::Error::Error(...)",
    "_ZTVN5torch3jit8FunctionE": "vtable for torch::jit::Function",
    "_ZTHN3c104impl26raw_local_dispatch_key_setE": "TLS init function for c10::impl::raw_local_dispatch_key_set",
    "_ZN3c10lsERSoRKNS_6DeviceE": "c10::operator<<(...)",
    "_ZdlPvm": "operator delete(...)",
    "_ZN2at6TensorD1Ev": "at::Tensor::~Tensor(...)",
    "_ZNSt6vectorIN2at6TensorESaIS1_EE9push_backERKS1_": "std::vector<...>::push_back(...)",
    "_ZN3c1010Dispatcher9singletonEv": "c10::Dispatcher::singleton(...)",
    "_ZN12_GLOBAL__N_13fooEi": "(anonymous namespace)::foo(...)",
    "printf": "printf",
    "_Z": "_Z",
    "_ZN999999x": "_ZN999999x",
}


@pytest.mark.parametrize("symbol", CASES)
def test_names_are_readable(symbol: str) -> None:
    assert demangle(symbol) == CASES[symbol]


@pytest.mark.skipif(shutil.which("c++filt") is None, reason="compares with c++filt")
def test_names_begin_as_those_of_binutils() -> None:
    plain = [symbol for symbol, name in CASES.items() if symbol.startswith("_ZN") and "<" not in name]
    output = subprocess.run(["c++filt", *plain], capture_output=True, text=True, check=True).stdout.splitlines()
    for symbol, theirs in zip(plain, output, strict=True):
        assert theirs.startswith(demangle(symbol).partition("(...)")[0]) or theirs == symbol


@given(st.text(alphabet="_ZNKISTEDCLABRVabc019Snwpt", max_size=60))
def test_anything_else_stays_as_it_is(text: str) -> None:
    assert isinstance(demangle("_Z" + text), str)
