"""This machine, from the files in which its system describes it, and NVIDIA's driver.

Sources: the kernel's ``Documentation/gpu/amdgpu`` and its KFD topology in sysfs (``gfx_target_version`` is major *
10000 + minor * 100 + stepping); ``/proc/driver/nvidia`` of NVIDIA's driver.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from torchlink.model.errors import UnreadableError
from torchlink.model.machine import Gpu, Machine, Vendor
from torchlink.read.bounded import read_head
from torchlink.read.nvml import NvmlAnswer, ask_nvml

VARIABLES = ("HSA_OVERRIDE_GFX_VERSION", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "CUDA_HOME")
_DRIVER = re.compile(r"Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s")
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_GLIBCXX = re.compile(r"GLIBCXX_(\d+(?:\.\d+)+)")
_NAMES = {"amd64": "x86_64"}


def read_machine(variables: Mapping[str, str], root: Path = Path("/"), nvml: NvmlAnswer | None = None) -> Machine:
    """Describe this machine.

    Args:
        variables: The environment.
        root: Where its files are; another folder for a machine that is on paper.
        nvml: What NVIDIA's driver says; asked where it is not given.
    """
    answer = ask_nvml() if nvml is None else nvml
    system = platform.system().lower()
    processor = platform.machine().lower()
    return Machine(
        system=system,
        processor=_NAMES.get(processor, processor),
        libc=_libc(system),
        libstdcxx=_libstdcxx(root) if system == "linux" else "",
        wsl="microsoft" in _text(root / "proc/version").lower(),
        gpus=(*answer.gpus, *_amd_gpus(root), *_apple_gpus(system, processor)),
        nvidia_driver=answer.driver or _nvidia_driver(root),
        driver_cuda=answer.cuda,
        forward_compatibility=_forward_compatibility(root),
        amd_driver=_text(root / "sys/module/amdgpu/version").strip(),
        cuda_toolkits=tuple(_toolkits(root)),
        rocm=_text(root / "opt/rocm/.info/version").strip(),
        variables={name: variables[name] for name in VARIABLES if variables.get(name)},
        problems=(answer.problem,) if answer.problem else (),
    )


def _text(path: Path) -> str:
    try:
        return read_head(path, 64 * 1024).decode("utf-8", "replace")
    except UnreadableError:
        return ""


def _libc(system: str) -> str:
    if system != "linux":
        return ""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return "musl" if any(Path("/lib").glob("ld-musl-*")) else ""


def _libstdcxx(root: Path) -> str:
    """The newest symbol version of the system's C++ library."""
    from torchlink.read.elf import read_library

    for folder in ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib", "lib64"):
        path = root / folder / "libstdc++.so.6"
        try:
            names = read_library(str(path)).version_definitions
        except UnreadableError:
            continue
        versions = [tuple(map(int, match[1].split("."))) for name in names if (match := _GLIBCXX.fullmatch(name))]
        if versions:
            return f"GLIBCXX_{'.'.join(map(str, max(versions)))}"
    return ""


def _nvidia_driver(root: Path) -> str:
    match = _DRIVER.search(_text(root / "proc/driver/nvidia/version"))
    return match[1] if match else ""


def _forward_compatibility(root: Path) -> str:
    """The newest ``libcuda`` of a cuda-compat package."""
    found = [path.name.removeprefix("libcuda.so.") for path in (root / "usr/local").glob("cuda*/compat/libcuda.so.*.*")]
    return max(found, key=lambda text: tuple(map(int, re.findall(r"\d+", text))), default="")


def _toolkits(root: Path) -> Iterator[str]:
    for folder in sorted((root / "usr/local").glob("cuda-*")):
        match = _VERSION.search(folder.name)
        if match and not folder.is_symlink():
            yield match.group()


def _amd_gpus(root: Path) -> Iterator[Gpu]:
    nodes = root / "sys/class/kfd/kfd/topology/nodes"
    try:
        folders = sorted(nodes.iterdir(), key=lambda path: (len(path.name), path.name))
    except OSError:
        return
    for folder in folders:
        said = dict(line.split(None, 1) for line in _text(folder / "properties").splitlines() if " " in line)
        target = said.get("gfx_target_version", "0").strip()
        if not target.isdigit() or target == "0":
            continue  # a processor is a node too
        yield Gpu(
            vendor=Vendor.AMD,
            name=_text(folder / "name").strip() or "an AMD GPU",
            architecture=gfx_name(int(target)),
            memory_bytes=_memory(folder),
        )


def gfx_name(version: int) -> str:
    """``90000`` is ``gfx900``, ``90010`` is ``gfx90a``, ``110003`` is ``gfx1103``."""
    return f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}"


def _memory(folder: Path) -> int:
    """The largest of a node's memory banks."""
    sizes = [
        int(match[1])
        for path in folder.glob("mem_banks/*/properties")
        if (match := re.search(r"size_in_bytes (\d+)", _text(path)))
    ]
    return max(sizes, default=0)


def _apple_gpus(system: str, processor: str) -> Iterator[Gpu]:
    if system != "darwin" or processor != "arm64":
        return
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        name = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        name = ""
    yield Gpu(vendor=Vendor.APPLE, name=name or "an Apple GPU", architecture="")
