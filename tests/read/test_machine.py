"""A machine, from the files in which its system describes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchlink.cli.main import run
from torchlink.model.errors import UnreadableError
from torchlink.model.machine import Gpu, Machine, Vendor
from torchlink.read.machine import gfx_name, read_machine
from torchlink.read.nvml import NvmlAnswer
from torchlink.report.machine import dump, load


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (90000, "gfx900"),
        (90010, "gfx90a"),
        (90402, "gfx942"),
        (100300, "gfx1030"),
        (110003, "gfx1103"),
        (120001, "gfx1201"),
    ],
)
def test_gfx_targets(version: int, name: str) -> None:
    assert gfx_name(version) == name


def test_amd(tmp_path: Path) -> None:
    nodes = "sys/class/kfd/kfd/topology/nodes"
    put(
        tmp_path,
        {
            f"{nodes}/0/properties": "cpu_cores_count 16\nsimd_count 0\ngfx_target_version 0\n",
            f"{nodes}/1/properties": "simd_count 256\ngfx_target_version 90000\n",
            f"{nodes}/1/name": "vega10\n",
            f"{nodes}/1/mem_banks/0/properties": "heap_type 1\nsize_in_bytes 17163091968\n",
            "sys/module/amdgpu/version": "6.3.6\n",
            "opt/rocm/.info/version": "5.7.1-98\n",
        },
    )
    found = read_machine({"HSA_OVERRIDE_GFX_VERSION": "9.0.0", "HOME": "/root"}, tmp_path, NvmlAnswer())
    assert found.gpus == (Gpu(vendor=Vendor.AMD, name="vega10", architecture="gfx900", memory_bytes=17163091968),)
    assert (found.amd_driver, found.rocm) == ("6.3.6", "5.7.1-98")
    assert found.variables == {"HSA_OVERRIDE_GFX_VERSION": "9.0.0"}


def test_nvidia_without_its_library(tmp_path: Path) -> None:
    line = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n"
    put(
        tmp_path,
        {
            "proc/driver/nvidia/version": line,
            "proc/version": "Linux version 5.15.153.1-microsoft-standard-WSL2",
            "usr/local/cuda-12.4/version.json": "{}",
            "usr/local/cuda-12.4/compat/libcuda.so.550.54.15": "",
        },
    )
    found = read_machine({}, tmp_path, NvmlAnswer(problem="no answer"))
    assert (found.nvidia_driver, found.wsl, found.forward_compatibility) == ("535.104.05", True, "550.54.15")
    assert (found.cuda_toolkits, found.problems) == (("12.4",), ("no answer",))


def test_a_machine_is_written_and_read_back() -> None:
    machine = Machine(
        system="linux",
        processor="x86_64",
        libc="glibc 2.36",
        gpus=(Gpu(vendor=Vendor.NVIDIA, name="NVIDIA H100", architecture="sm_90", memory_bytes=85 * 10**9),),
        nvidia_driver="580.65.06",
        driver_cuda="13.0",
        variables={"CUDA_VISIBLE_DEVICES": "0"},
        wsl=True,
        problems=("x",),
    )
    assert load(dump(machine), "file") == machine


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": "torchlink.machine/2"}', '{"schema": "torchlink.machine/1", "system": 3}',
     '{"schema": "torchlink.machine/1", "system": "a", "processor": "b", "gpus": [{"vendor": "3dfx", "name": "V"}]}'],
)  # fmt: skip
def test_what_describes_no_machine(text: str) -> None:
    with pytest.raises(UnreadableError):
        load(text, "file")


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["machine"]) == 0
    assert "system" in capsys.readouterr().out
    assert run(["machine", "--format", "json", "--output", str(tmp_path / "machine.json")]) == 0
    assert load((tmp_path / "machine.json").read_text(encoding="utf-8"), "").system
    assert run(["check", "--machine", str(tmp_path / "nothing.json")]) == 2
