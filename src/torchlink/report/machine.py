"""A machine as a file (``torchlink.machine/1``), read back, and for a terminal."""

from __future__ import annotations

import json

from torchlink.model.errors import UnreadableError
from torchlink.model.machine import Gpu, Machine, Vendor
from torchlink.report.document import Node, node
from torchlink.report.page import Page

SCHEMA = "torchlink.machine/1"
_TEXTS = (
    "libc", "libstdcxx", "nvidia_driver", "driver_cuda", "forward_compatibility", "amd_driver", "rocm",
)  # fmt: skip
_GB = 10**9


def dump(machine: Machine) -> str:
    """The machine as JSON."""
    document = {
        "schema": SCHEMA,
        "system": machine.system,
        "processor": machine.processor,
        **{key: getattr(machine, key) for key in _TEXTS},
        "wsl": machine.wsl,
        "gpus": [
            {
                "vendor": gpu.vendor.value,
                "name": gpu.name,
                "architecture": gpu.architecture,
                "memory_bytes": gpu.memory_bytes,
            }
            for gpu in machine.gpus
        ],
        "cuda_toolkits": list(machine.cuda_toolkits),
        "variables": dict(machine.variables),
        "problems": list(machine.problems),
    }
    return json.dumps(document, indent=2) + "\n"


def load(text: str, where: str) -> Machine:
    """Read a machine back. What is left out is not known.

    Raises:
        UnreadableError: The text describes no machine.
    """
    try:
        root = node(json.loads(text), "machine")
        if root.text("schema") != SCHEMA:
            raise UnreadableError(f"its schema is {root.text('schema')!r} and not {SCHEMA!r}", where=where)
        return _machine(root)
    except (ValueError, RecursionError) as error:
        mend = "write one with torchlink machine --format json"
        raise UnreadableError(f"it describes no machine: {error}", where=where, mend=mend) from error


def _machine(root: Node) -> Machine:
    return Machine(
        system=root.text("system"),
        processor=root.text("processor"),
        **{key: root.text(key, "") for key in _TEXTS},
        wsl="wsl" in root.members and root.flag("wsl"),
        gpus=root.each("gpus", _gpu),
        cuda_toolkits=root.texts("cuda_toolkits") if "cuda_toolkits" in root.members else (),
        variables=_variables(root) if "variables" in root.members else {},
        problems=root.texts("problems") if "problems" in root.members else (),
    )


def _variables(root: Node) -> dict[str, str]:
    variables = root.node("variables")
    return {name: variables.text(name) for name in variables.members}


def _gpu(at: Node) -> Gpu:
    return Gpu(
        vendor=Vendor(at.text("vendor")),
        name=at.text("name"),
        architecture=at.text("architecture", ""),
        memory_bytes=at.integer("memory_bytes", 0),
    )


def render(machine: Machine, *, width: int, colour: bool) -> str:
    """For a terminal."""
    page = Page(width=width, colour=colour)
    place = f"{machine.system} {machine.processor}{' under WSL' if machine.wsl else ''}"
    page.block("system", [", ".join(part for part in (place, machine.libc, machine.libstdcxx) if part)])
    page.block("GPU", [_shown(gpu) for gpu in machine.gpus] or ["none"])
    known = f", knows CUDA {machine.driver_cuda}" if machine.driver_cuda else ""
    page.block("driver", [f"NVIDIA {machine.nvidia_driver}{known}"] if machine.nvidia_driver else [])
    page.block("driver", [f"amdgpu {machine.amd_driver}"] if machine.amd_driver else [])
    page.block("compat", [machine.forward_compatibility] if machine.forward_compatibility else [])
    page.block("CUDA", [", ".join(machine.cuda_toolkits)] if machine.cuda_toolkits else [])
    page.block("ROCm", [machine.rocm] if machine.rocm else [])
    page.block("set", [f"{name}={value}" for name, value in machine.variables.items()])
    page.block("unknown", list(machine.problems))
    return page.text()


def _shown(gpu: Gpu) -> str:
    parts = (gpu.name, gpu.architecture, f"{gpu.memory_bytes / _GB:.0f} GB" if gpu.memory_bytes else "")
    return ", ".join(part for part in parts if part)
