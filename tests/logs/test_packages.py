"""Whose a path, a module or a symbol is."""

from __future__ import annotations

import pytest

from torchlink.logs.gpu import gap
from torchlink.logs.packages import import_name, package_of_module, package_of_path
from torchlink.logs.symbols import owner_of_symbol, string_abi


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("/home/u/env/lib/python3.10/site-packages/flash_attn_2_cuda.cpython-310-x86_64-linux-gnu.so", "flash-attn"),
        ("python3.9/site-packages/flash_attn_2_cuda.cpython-39-x86_64-linux-gnu.so", "flash-attn"),
        ("C:\\Users\\u\\env\\Lib\\site-packages\\torch\\lib\\fbgemm.dll", "torch"),
        ("C:\\...\\Python312\\Lib\\site-packages\\torch\\lib\\c10.dll", "torch"),
        ("/opt/conda/lib/python3.9/site-packages/torch_scatter/_scatter_cuda.so", "torch-scatter"),
        (".../torch/lib/../../nvidia/cusparse/lib/libcusparse.so.12", "nvidia-cusparse-cu12"),
        ("/env/lib/python3.12/site-packages/nvidia/cusparse/lib/libcusparse.so.12", "nvidia-cusparse-cu12"),
        ("/env/lib/python3.12/site-packages/numpy.libs/libgfortran-040039e1.so.5.0.0", "numpy"),
        ("/env/lib/python3.12/site-packages/cv2/cv2.abi3.so", "opencv-python"),
        ("/env/lib/python3.12/site-packages/basicsr/data/degradations.py", "basicsr"),
        ("/usr/lib/python3.10/pathlib.py", "python"),
        ("C:\\Python39\\lib\\pathlib.py", "python"),
        ("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "system"),
        ("/lib64/libm.so.6", "system"),
        ("/home/centos/libtorch_cpu.so", "torch"),
        ("/content/yolov7/seg/models/experimental.py", "project"),
        ("train.py", "project"),
        ("", ""),
    ],
)
def test_package_of_a_path(path: str, package: str) -> None:
    assert package_of_path(path) == package


@pytest.mark.parametrize(
    ("module", "package"),
    [("PIL.Image", "pillow"), ("google.protobuf.internal", "protobuf"), ("my_utils.x", "my-utils"), ("aten", "torch")],
)
def test_package_of_a_module(module: str, package: str) -> None:
    assert package_of_module(module) == package


def test_the_name_to_import() -> None:
    assert import_name("opencv-python") == "cv2"
    assert import_name("flash-attn") == "flash_attn"
    assert import_name("some-package") == "some_package"


@pytest.mark.parametrize(
    ("symbol", "owner", "abi"),
    [
        ("_ZN3c105ErrorC2ENS_14SourceLocationESs", "torch", "old"),
        (
            "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
            "torch",
            "new",
        ),
        ("_ZN3c104cuda9SetDeviceEa", "torch", ""),
        ("_ZNK2at6Tensor7reshapeEN3c108ArrayRefIlEE", "torch", ""),
        ("_ZTIN5torch8autograd4NodeE", "torch", ""),
        ("_ZN3c106detail23torchInternalAssertFailEPKcS2_jS2_RKSs", "torch", "old"),
        ("ncclCommRegister", "nvidia-nccl-cu12", ""),
        ("__nvJitLinkAddData_12_1", "nvidia-nvjitlink-cu12", ""),
        ("iJIT_NotifyEvent", "mkl", ""),
        ("PyFloat_Type", "python", ""),
        ("_PyThreadState_UncheckedGet", "python", ""),
        ("cuModuleGetLoadingMode", "driver", ""),
        ("cudaGraphInstantiate", "nvidia-cuda-runtime-cu12", ""),
        ("cget_col_row_stats", "", ""),
    ],
)
def test_whose_a_symbol_is(symbol: str, owner: str, abi: str) -> None:
    assert owner_of_symbol(symbol) == owner
    assert string_abi(symbol) == abi


@pytest.mark.parametrize(
    ("capability", "supported", "why"),
    [
        ("120", "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90", "newer"),
        ("80", "sm_37 sm_50 sm_60 sm_70", "newer"),
        ("35", "sm_37 sm_50 sm_60 sm_70", "older"),
        ("61", "sm_50 sm_70 sm_80 sm_86", "hole"),
        ("120", "", "newer"),
        ("30", "", "older"),
        ("86", "", ""),
        ("", "sm_50", ""),
    ],
)
def test_why_a_gpu_has_no_code(capability: str, supported: str, why: str) -> None:
    assert gap(capability, supported) == why
