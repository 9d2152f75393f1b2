"""A machine: its GPUs, their drivers, and the C libraries. Here, or elsewhere by a file that describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Vendor(Enum):
    """Who made a GPU."""

    NVIDIA = "nvidia"
    AMD = "amd"
    APPLE = "apple"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU."""

    vendor: Vendor
    name: str
    architecture: str
    """``sm_90``, ``gfx1103``; empty where it is not known, and for Apple's."""
    memory_bytes: int = 0
    """0 where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What of a machine matters to native code."""

    system: str
    """``linux``, ``windows``, ``darwin``."""
    processor: str
    """``x86_64``, ``aarch64``, ``arm64``."""
    libc: str = ""
    """``glibc 2.36``; empty where it is not known."""
    libstdcxx: str = ""
    """The newest symbol version of ``libstdc++.so.6``, ``GLIBCXX_3.4.30``."""
    wsl: bool = False
    """Whether it is the Windows Subsystem for Linux: its driver is that of Windows."""
    gpus: tuple[Gpu, ...] = ()
    nvidia_driver: str = ""
    """``535.104.05``; empty where there is none."""
    driver_cuda: str = ""
    """The newest CUDA that the driver knows, ``12.2``."""
    forward_compatibility: str = ""
    """The version of a ``libcuda`` of NVIDIA's cuda-compat package, which may stand before an older driver."""
    amd_driver: str = ""
    cuda_toolkits: tuple[str, ...] = ()
    rocm: str = ""
    """The version of ROCm below ``/opt/rocm``."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that change which code runs: ``HSA_OVERRIDE_GFX_VERSION``, ``LD_LIBRARY_PATH``."""
    problems: tuple[str, ...] = ()
    """What could not be found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """The code for GPUs in one native library."""

    path: str
    modules: Mapping[tuple[str, ...], int]
    """How many compiled units hold code for the same architectures: ``("sm_80", "sm_90")``, ``("compute_90",)`` for
    PTX, ``("sm_90a",)`` for code that runs there alone, ``("gfx900",)``."""
    problem: str = ""
    """Why it is not known."""

    @property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture of which there is some code, sorted by its number."""
        names = {name for module in self.modules for name in module}
        return tuple(sorted(names, key=lambda name: (name.partition("_")[0], len(name.rstrip("af")), name)))
