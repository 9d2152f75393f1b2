"""NVIDIA's GPUs through the driver's own library, NVML, by ctypes: no package that is tied to a driver.

Source: NVML API reference, r580. Only functions that have been in every driver since 450 are called.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass

from torchlink.model.machine import Gpu, Vendor

_NAMES = ("libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1", "nvml.dll")
_TEXT = 96
_MOST_GPUS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class NvmlAnswer:
    """What the driver says."""

    driver: str = ""
    cuda: str = ""
    gpus: tuple[Gpu, ...] = ()
    problem: str = ""
    """Why it says nothing; empty where there is no such driver."""


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def ask_nvml() -> NvmlAnswer:
    """Ask the driver. Never raises."""
    library = _library()
    if library is None:
        return NvmlAnswer()
    status = library.nvmlInit_v2()
    if status:
        return NvmlAnswer(problem=f"the NVIDIA driver does not answer (NVML error {status})")
    try:
        return NvmlAnswer(
            driver=_text(library, "nvmlSystemGetDriverVersion"), cuda=_cuda(library), gpus=tuple(_gpus(library))
        )
    except AttributeError as error:
        return NvmlAnswer(problem=f"the NVIDIA driver's library is too old to be asked ({error})")
    finally:
        library.nvmlShutdown()


def _library() -> ctypes.CDLL | None:
    for name in _NAMES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _text(library: ctypes.CDLL, function: str, *handle: ctypes.c_void_p) -> str:
    buffer = ctypes.create_string_buffer(_TEXT)
    status = getattr(library, function)(*handle, buffer, ctypes.c_uint(_TEXT))
    return "" if status else buffer.value.decode("utf-8", "replace")


def _cuda(library: ctypes.CDLL) -> str:
    version = ctypes.c_int()
    if library.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(version)):
        return ""
    return f"{version.value // 1000}.{version.value % 1000 // 10}"


def _gpus(library: ctypes.CDLL) -> Iterator[Gpu]:
    count = ctypes.c_uint()
    if library.nvmlDeviceGetCount_v2(ctypes.byref(count)):
        return
    for index in range(min(count.value, _MOST_GPUS)):
        handle = ctypes.c_void_p()
        if library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle)):
            continue
        major, minor, memory = ctypes.c_int(), ctypes.c_int(), _Memory()
        unknown = library.nvmlDeviceGetCudaComputeCapability(handle, ctypes.byref(major), ctypes.byref(minor))
        library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
        yield Gpu(
            vendor=Vendor.NVIDIA,
            name=_text(library, "nvmlDeviceGetName", handle) or "an NVIDIA GPU",
            architecture="" if unknown else f"sm_{major.value}{minor.value}",
            memory_bytes=memory.total,
        )
