"""``kernel``: the code for GPUs in torch and in extensions, against the GPUs of a machine and their driver.

What is supported is read from the binaries and not extrapolated between releases: 2.7.1+cu128 has no code for sm_70,
and 2.8.0+cu128 has it.

Sources: NVIDIA's "CUDA C++ Programming Guide" (code for one compute capability runs on later minor ones of the same
major one; PTX is compiled by the driver for any later one; what is built for ``sm_90a`` runs there alone, for
``sm_100f`` within its family) and "CUDA Compatibility" (minor-version compatibility: the oldest driver of each CUDA
major version; forward compatibility by the cuda-compat package); ROCm's documentation of ``HSA_OVERRIDE_GFX_VERSION``
in its list of environment variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torchlink.link.parties import package, relative
from torchlink.model.environment import Distribution, Environment
from torchlink.model.machine import DeviceCode, Gpu, Machine, Vendor
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity, Undecided

OLDEST_DRIVERS = {11: 450, 12: 525, 13: 580}
"""The major version of the oldest driver for each CUDA major version, on Linux and Windows.

docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html, table 1.
"""
_ENOUGH = 0.9
"""The part of the compiled units that must have code for a GPU. A few are made for one architecture alone."""
_SM = re.compile(r"(sm|compute)_(\d+)(\d)([af]?)")
_OVERRIDE = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchBuild:
    """What torch was built for."""

    torch: Distribution
    cuda: str = ""
    """``12.8``, by ``torch/version.py``."""
    hip: str = ""
    code: Mapping[str, DeviceCode]
    """The libraries with code for GPUs, torch's own among them, by path."""


def link_kernels(environment: Environment, build: TorchBuild, machine: Machine, uses: Sequence[str]) -> Links:
    """Hold the code for GPUs against a machine.

    Args:
        environment: Where it is installed.
        build: What torch was built for.
        machine: The machine.
        uses: Where the project's own source asks for a GPU (``train.py:12``); a break needs one.
    """
    if not machine.gpus and not machine.nvidia_driver:
        return Links()
    broken = [*_driver(build, machine, uses), *_other_vendor(build, machine, uses)]
    undecided: list[Undecided] = []
    owners = {path: one for one in environment.distributions for path in one.files}
    for path, code in sorted(build.code.items()):
        if code.problem:
            undecided.append(_undecided(relative(path, environment), f"its GPU code is not known: {code.problem}"))
            continue
        owner = owners.get(path, build.torch)
        for gpu in dict.fromkeys(machine.gpus):
            found = _code(environment, owner, code, gpu, machine, build, uses)
            if isinstance(found, Undecided):
                undecided.append(found)
            elif found is not None:
                broken.append(found)
    if machine.forward_compatibility and _too_old(build, machine):
        reason = f"the driver is too old, and a cuda-compat {machine.forward_compatibility} may stand before it"
        undecided.append(_undecided(build.torch.label, reason))
    count = len(build.code) * max(len(machine.gpus), 1)
    return Links(broken=tuple(broken), undecided=tuple(undecided), references=count)


# Architectures


def _code(
    environment: Environment,
    owner: Distribution,
    code: DeviceCode,
    gpu: Gpu,
    machine: Machine,
    build: TorchBuild,
    uses: Sequence[str],
) -> Broken | Undecided | None:
    """Whether one library runs on one GPU. A break needs the only kind of GPU that is there, and a use of it."""
    is_amd_code = any(name.startswith("gfx") for name in code.architectures)
    if gpu.vendor is Vendor.APPLE or (gpu.vendor is Vendor.AMD) != is_amd_code:
        return None  # code for another maker's GPUs: that is told once, for torch
    wanted = effective_architecture(gpu, machine)
    where = relative(code.path, environment)
    if not wanted:
        return _undecided(where, f"the architecture of {gpu.name} is not known")
    total = sum(code.modules.values())
    served = sum(count for module, count in code.modules.items() if runs_on(module, wanted))
    if served >= _ENOUGH * total:
        return _compiled_by_driver(code, wanted, gpu, machine, build, where)
    only = len({one.architecture for one in machine.gpus}) == 1
    return _no_code(owner, code, gpu, wanted, where, served, total, uses if only else ())


def effective_architecture(gpu: Gpu, machine: Machine) -> str:
    """The architecture that the runtime takes a GPU for: AMD's may be told to take it for another."""
    override = _OVERRIDE.fullmatch(machine.variables.get("HSA_OVERRIDE_GFX_VERSION", ""))
    if gpu.vendor is not Vendor.AMD or override is None:
        return gpu.architecture
    major, minor, step = map(int, override.groups())
    return f"gfx{major}{minor:x}{step:x}"


def runs_on(module: Sequence[str], architecture: str) -> bool:
    """Whether a compiled unit with code for some architectures runs on one."""
    return any(_runs(name, architecture) for name in module)


def _runs(name: str, architecture: str) -> bool:
    have, want = _SM.fullmatch(name), _SM.fullmatch(architecture)
    if have is None or want is None:
        return name == architecture
    major, minor = int(have[2]), int(have[3])
    wanted_major, wanted_minor = int(want[2]), int(want[3])
    if have[4] == "a":
        return (major, minor) == (wanted_major, wanted_minor)
    if have[1] == "compute" and not have[4]:
        return (major, minor) <= (wanted_major, wanted_minor)
    return major == wanted_major and minor <= wanted_minor


def _compiled_by_driver(
    code: DeviceCode, wanted: str, gpu: Gpu, machine: Machine, build: TorchBuild, where: str
) -> Undecided | None:
    """Where PTX alone serves a GPU, the driver must know the CUDA that made it."""
    machine_code = [[name for name in module if not name.startswith("compute_")] for module in code.modules]
    if all(runs_on(module, wanted) for module in machine_code) or not machine.driver_cuda or not build.cuda:
        return None
    if _numbers(machine.driver_cuda) >= _numbers(build.cuda):
        return None
    reason = f"{gpu.name} needs its PTX of CUDA {build.cuda} compiled, and the driver knows CUDA {machine.driver_cuda}"
    return _undecided(where, reason)


def _no_code(
    owner: Distribution,
    code: DeviceCode,
    gpu: Gpu,
    wanted: str,
    where: str,
    served: int,
    total: int,
    uses: Sequence[str],
) -> Broken:
    has = ", ".join(code.architectures)
    part = f"for {served} of {total} compiled units" if served else "at all"
    taken = f" (taken for {wanted} by HSA_OVERRIDE_GFX_VERSION)" if wanted != gpu.architecture else ""
    symptom = (
        "RuntimeError: HIP error: invalid device function"
        if gpu.vendor is Vendor.AMD
        else "CUDA error: no kernel image is available for execution on the device"
    )
    return Broken(
        kind=Kind.KERNEL,
        severity=Severity.BREAK if uses and owner.name == "torch" and not served else Severity.RISK,
        needer=package(owner),
        provider=Party(type=PartyType.GPU, name=gpu.name, version=gpu.architecture),
        target=f"code for {wanted}",
        cause=f"{gpu.name} is {gpu.architecture}{taken}, and {owner.label} has no code for it {part}: it has {has}",
        symptom=symptom,
        evidence=(Evidence(artifact=where, detail=f"GPU code for {has}"),),
        culprits=(owner.name,),
        chain=tuple(uses[:1]),
    )


# The driver


def _too_old(build: TorchBuild, machine: Machine) -> bool:
    if not build.cuda or not machine.nvidia_driver:
        return False
    oldest = OLDEST_DRIVERS.get(_numbers(build.cuda)[0])
    return oldest is not None and _numbers(machine.nvidia_driver)[0] < oldest


def _driver(build: TorchBuild, machine: Machine, uses: Sequence[str]) -> Iterator[Broken]:
    if not _too_old(build, machine) or machine.forward_compatibility:
        return
    oldest = OLDEST_DRIVERS[_numbers(build.cuda)[0]]
    where = "the Windows host's driver" if machine.wsl else "the driver"
    yield Broken(
        kind=Kind.KERNEL,
        severity=Severity.BREAK if uses else Severity.RISK,
        needer=package(build.torch),
        provider=Party(type=PartyType.DRIVER, name="driver", version=machine.nvidia_driver),
        target=f"an NVIDIA driver >= {oldest}",
        cause=f"{build.torch.label} was built with CUDA {build.cuda}, which needs an NVIDIA driver >= {oldest}; "
        f"{where} is {machine.nvidia_driver}",
        symptom="The NVIDIA driver on your system is too old",
        evidence=(
            Evidence(artifact="torch/version.py", detail=f"cuda = {build.cuda}"),
            Evidence(
                artifact="docs.nvidia.com/deploy/cuda-compatibility",
                detail=f"CUDA {_numbers(build.cuda)[0]}.x needs a driver >= {oldest}",
            ),
        ),
        culprits=("driver", "torch"),
        chain=tuple(uses[:1]),
    )


def _other_vendor(build: TorchBuild, machine: Machine, uses: Sequence[str]) -> Iterator[Broken]:
    """GPUs of which torch makes no use: it was built for another maker's, or for none."""
    made_for = Vendor.NVIDIA if build.cuda else Vendor.AMD if build.hip else None
    if not machine.gpus or any(gpu.vendor in (made_for, Vendor.APPLE) for gpu in machine.gpus):
        return
    gpu = machine.gpus[0]
    maker = "an AMD" if gpu.vendor is Vendor.AMD else "an NVIDIA"
    seen = f"cuda = {build.cuda or None}, hip = {build.hip or None}"
    what = f"for CUDA {build.cuda}" if build.cuda else f"for ROCm {build.hip}" if build.hip else "without GPU support"
    yield Broken(
        kind=Kind.KERNEL,
        severity=Severity.RISK if uses else Severity.NOTE,
        needer=package(build.torch),
        provider=Party(type=PartyType.GPU, name=gpu.name, version=gpu.architecture),
        target=f"a build for {gpu.vendor.value.upper()} GPUs",
        cause=f"{build.torch.label} was built {what}, and {gpu.name} is {maker} GPU: "
        "torch.cuda.is_available() is False",
        symptom="" if made_for else "AssertionError: Torch not compiled with CUDA enabled",
        evidence=(Evidence(artifact="torch/version.py", detail=seen),),
        culprits=("torch",),
        chain=tuple(uses[:1]),
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)) or (0,)


def _undecided(artifact: str, reason: str) -> Undecided:
    return Undecided(kind=Kind.KERNEL, artifact=artifact, reason=reason, reached=False)
