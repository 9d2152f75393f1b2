"""Code for GPUs against machines. What torch's wheels have was read from the wheels on PyPI (Linux x86-64)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from torchlink.link.kernels import TorchBuild, link_kernels
from torchlink.model.environment import Distribution, DistributionKind, Environment, Interpreter, PathEntry, PathOrigin
from torchlink.model.machine import DeviceCode, Gpu, Machine, Vendor
from torchlink.model.reference import Broken, Links, Severity
from torchlink.report.machine import dump, load

_MEASURED: dict[str, tuple[str, tuple[str, ...]]] = {
    "2.1.2": ("12.1", ("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90")),
    "2.6.0": ("12.4", ("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90")),
    "2.9.0": ("12.8", ("sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")),
}
"""``libtorch_cuda.so``: CUDA by ``torch/version.py``, and the architectures of nearly all of its units."""
_Modules = dict[tuple[str, ...], int]
_LIBRARY = "/env/lib/python3.11/site-packages/torch/lib/libtorch_cuda.so"
_USED = ("train.py:3",)

H100 = Gpu(vendor=Vendor.NVIDIA, name="NVIDIA H100 80GB HBM3", architecture="sm_90")
RTX_5090 = Gpu(vendor=Vendor.NVIDIA, name="NVIDIA GeForce RTX 5090", architecture="sm_120")
GTX_1080 = Gpu(vendor=Vendor.NVIDIA, name="NVIDIA GeForce GTX 1080", architecture="sm_61")
V100 = Gpu(vendor=Vendor.NVIDIA, name="Tesla V100-SXM2-16GB", architecture="sm_70")
RTX_4090 = Gpu(vendor=Vendor.NVIDIA, name="NVIDIA GeForce RTX 4090", architecture="sm_89")
MI25 = Gpu(vendor=Vendor.AMD, name="Radeon Instinct MI25", architecture="gfx900")
MI300 = Gpu(vendor=Vendor.AMD, name="AMD Instinct MI300X", architecture="gfx942")
RADEON_780M = Gpu(vendor=Vendor.AMD, name="AMD Radeon 780M", architecture="gfx1103")
APPLE_M2 = Gpu(vendor=Vendor.APPLE, name="Apple M2", architecture="")


def environment(*distributions: Distribution) -> Environment:
    interpreter = Interpreter(
        executable="/env/bin/python",
        version="3.11.7",
        implementation="cpython",
        markers={},
        tags=(),
        extension_suffixes=(),
        builtin_modules=frozenset(),
        stdlib=(),
        platform="linux_x86_64",
        libc="glibc 2.36",
        executed=True,
    )
    site = PathEntry(path="/env/lib/python3.11/site-packages", origin=PathOrigin.SITE)
    return Environment(prefix="/env", interpreter=interpreter, search_path=(site,), distributions=distributions)


def distribution(name: str, version: str, *files: str) -> Distribution:
    root = "/env/lib/python3.11/site-packages"
    return Distribution(
        name=name,
        version=version,
        kind=DistributionKind.DIST_INFO,
        metadata_path=f"{root}/{name}-{version}.dist-info",
        root=root,
        files=files,
    )


def machine(*gpus: Gpu, driver: str = "580.65.06", cuda: str = "13.0", **others: object) -> Machine:
    made = Machine(system="linux", processor="x86_64", gpus=gpus, nvidia_driver=driver, driver_cuda=cuda)
    return replace(made, **others)  # type: ignore[arg-type]


def judged(
    version: str,
    target: Machine,
    *,
    modules: _Modules | None = None,
    cuda: str | None = None,
    hip: str = "",
    uses: tuple[str, ...] = _USED,
) -> Links:
    measured_cuda, architectures = _MEASURED.get(version, ("", ()))
    torch = distribution("torch", version, _LIBRARY)
    found = {architectures: 397} if modules is None else modules
    code = {_LIBRARY: DeviceCode(path=_LIBRARY, modules=found)} if found != {(): 397} else {}
    build = TorchBuild(torch=torch, cuda=measured_cuda if cuda is None else cuda, hip=hip, code=code)
    return link_kernels(environment(torch), build, target, uses)


B300 = Gpu(vendor=Vendor.NVIDIA, name="NVIDIA B300", architecture="sm_103")


@pytest.mark.parametrize(
    ("code", "gpu", "runs"),
    [
        ("sm_90a", H100, True),  # as the next three ran, or not, on an H100 with driver 580.159.04
        ("compute_90a", H100, True),
        ("compute_80", H100, True),
        ("sm_100f", H100, False),
        ("sm_86", RTX_4090, True),
        ("sm_80", H100, False),
        ("sm_100", B300, True),
        ("sm_100f", B300, True),
        ("sm_100a", B300, False),
        ("compute_90", B300, True),
        ("compute_90a", B300, False),
        ("compute_100f", RTX_5090, False),
    ],
)
def test_which_code_runs_where(code: str, gpu: Gpu, runs: bool) -> None:
    assert bool(judged("2.11.0", machine(gpu), modules={(code,): 2}, cuda="13.0").broken) is not runs


def only(links: Links) -> Broken:
    (one,) = links.broken
    return one


@pytest.mark.parametrize(
    ("version", "gpu"),
    [
        ("2.1.2", H100),
        ("2.9.0", H100),
        ("2.9.0", RTX_5090),
        ("2.6.0", GTX_1080),  # sm_60 runs on 6.1
        ("2.6.0", V100),
        ("2.9.0", V100),
        ("2.6.0", RTX_4090),  # sm_86 runs on 8.9
    ],
)
def test_what_runs(version: str, gpu: Gpu) -> None:
    assert judged(version, machine(gpu)) == Links(references=1)


def test_rtx_5090_with_a_torch_that_is_older() -> None:
    one = only(judged("2.6.0", machine(RTX_5090)))
    assert one.severity is Severity.BREAK
    assert one.cause == (
        "NVIDIA GeForce RTX 5090 is sm_120, and torch 2.6.0 has no code for it at all: it has "
        "sm_50, sm_60, sm_70, sm_75, sm_80, sm_86, sm_90"
    )
    assert "no kernel image is available" in one.symptom
    assert one.chain == _USED


def test_gtx_1080_with_a_torch_that_is_newer() -> None:
    assert only(judged("2.9.0", machine(GTX_1080))).severity is Severity.BREAK


def test_without_a_use_or_with_another_gpu_it_is_a_risk() -> None:
    assert only(judged("2.6.0", machine(RTX_5090), uses=())).severity is Severity.RISK
    assert only(judged("2.6.0", machine(RTX_5090, H100))).severity is Severity.RISK


def test_ptx_runs_on_what_is_newer_if_the_driver_knows_its_cuda() -> None:
    modules: _Modules = {("compute_90", "sm_80"): 10}
    assert judged("2.6.0", machine(RTX_5090), modules=modules).broken == ()
    links = judged("2.6.0", machine(RTX_5090, cuda="12.2", driver="535.104.05"), modules=modules)
    assert links.broken == ()
    assert "the driver knows CUDA 12.2" in links.undecided[0].reason
    assert only(judged("2.6.0", machine(V100), modules=modules)).target == "code for sm_70"


def test_a_few_units_for_one_architecture_alone_do_not_count() -> None:
    assert judged("2.6.0", machine(V100), modules={("sm_70", "sm_90"): 397, ("sm_90",): 4}).broken == ()
    assert "for 3 of 10" in only(judged("2.6.0", machine(V100), modules={("sm_70",): 3, ("sm_90",): 7})).cause


ROCM_57: _Modules = {("gfx1030", "gfx900", "gfx906", "gfx908", "gfx90a"): 50}


def test_mi25() -> None:
    assert judged("2.3.1+rocm5.7", machine(MI25, driver=""), modules=ROCM_57, cuda="", hip="5.7").broken == ()
    newer: _Modules = {("gfx908", "gfx90a", "gfx942"): 50}
    one = only(judged("2.5.1+rocm6.2", machine(MI25, driver=""), modules=newer, cuda="", hip="6.2"))
    assert (one.target, one.severity) == ("code for gfx900", Severity.BREAK)
    assert "invalid device function" in one.symptom


def test_mi300() -> None:
    target = machine(MI300, driver="")
    assert judged("2.5.1+rocm6.2", target, modules={("gfx942",): 50}, cuda="", hip="6.2").broken == ()
    assert only(judged("2.3.1+rocm5.7", target, modules=ROCM_57, cuda="", hip="5.7")).target == "code for gfx942"


def test_gfx1103_with_an_override() -> None:
    plain = machine(RADEON_780M, driver="")
    assert only(judged("2.3.1+rocm5.7", plain, modules=ROCM_57, cuda="", hip="5.7")).target == "code for gfx1103"
    taken = replace(plain, variables={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"})
    assert judged("2.3.1+rocm5.7", taken, modules=ROCM_57, cuda="", hip="5.7").broken == ()
    wrong = replace(plain, variables={"HSA_OVERRIDE_GFX_VERSION": "11.0.0"})
    one = only(judged("2.3.1+rocm5.7", wrong, modules=ROCM_57, cuda="", hip="5.7"))
    assert "taken for gfx1100 by HSA_OVERRIDE_GFX_VERSION" in one.cause


def test_apple_and_no_gpu() -> None:
    assert judged("2.9.0", machine(APPLE_M2, driver="", cuda=""), modules={}, cuda="").broken == ()
    assert judged("2.9.0", machine(driver="", cuda="")) == Links()


@pytest.mark.parametrize(
    ("version", "driver", "oldest"),
    [("2.6.0", "470.57.02", 525), ("2.9.0", "515.65.01", 525), ("2.6.0", "525.60.13", 0)],
)
def test_driver(version: str, driver: str, oldest: int) -> None:
    links = judged(version, machine(H100, driver=driver, cuda=""))
    if not oldest:
        assert links.broken == ()
        return
    one = only(links)
    assert (one.severity, one.provider.version, one.culprits) == (Severity.BREAK, driver, ("driver", "torch"))
    assert f"needs an NVIDIA driver >= {oldest}" in one.cause
    assert "docs.nvidia.com" in one.evidence[1].artifact


def test_an_old_driver_under_wsl_is_that_of_windows() -> None:
    assert (
        "Windows host's driver is 470.57.02" in only(judged("2.6.0", machine(H100, driver="470.57.02", wsl=True))).cause
    )


def test_forward_compatibility_is_not_decided() -> None:
    links = judged("2.6.0", machine(H100, driver="470.57.02", forward_compatibility="535.104.05"))
    assert links.broken == ()
    assert "cuda-compat 535.104.05" in links.undecided[0].reason


@pytest.mark.parametrize(
    ("cuda", "hip", "gpu", "severity", "said"),
    [
        ("", "", H100, Severity.RISK, "without GPU support"),
        ("", "5.7", H100, Severity.RISK, "for ROCm 5.7"),
        ("12.8", "", MI300, Severity.RISK, "for CUDA 12.8"),
    ],
)
def test_a_torch_for_another_maker(cuda: str, hip: str, gpu: Gpu, severity: Severity, said: str) -> None:
    target = machine(gpu, driver="580.65.06" if gpu.vendor is Vendor.NVIDIA else "")
    one = only(judged("2.9.0", target, modules={}, cuda=cuda, hip=hip))
    assert one.severity is severity
    assert said in one.cause
    assert only(judged("2.9.0", target, modules={}, cuda=cuda, hip=hip, uses=())).severity is Severity.NOTE


def test_what_is_not_known_is_said() -> None:
    torch = distribution("torch", "2.9.0", _LIBRARY)
    code = {_LIBRARY: DeviceCode(path=_LIBRARY, modules={}, problem="its code is compressed")}
    links = link_kernels(environment(torch), TorchBuild(torch=torch, hip="6.4", code=code), machine(MI300), ())
    assert "compressed" in links.undecided[0].reason
    unknown = replace(H100, architecture="")
    assert "architecture of NVIDIA H100" in judged("2.9.0", machine(unknown)).undecided[0].reason


_NEWER_ROCM: _Modules = {("gfx908", "gfx90a", "gfx942"): 50}
_SEEN = "torch/lib/libtorch_cuda.so"
_TABLE = "docs.nvidia.com/deploy/cuda-compatibility"


@pytest.mark.parametrize(
    ("target", "version", "modules", "verdict"),
    [
        (machine(H100), "2.9.0", None, ()),
        (machine(RTX_5090), "2.6.0", None, ("code for sm_120", _SEEN)),
        (machine(GTX_1080), "2.9.0", None, ("code for sm_61", _SEEN)),
        (machine(V100), "2.9.0", None, ()),
        (machine(V100), "2.6.0", {("sm_75", "sm_80"): 397}, ("code for sm_70", _SEEN)),
        (machine(MI25, driver=""), "2.3.1+rocm5.7", ROCM_57, ()),
        (machine(MI25, driver=""), "2.5.1+rocm6.2", _NEWER_ROCM, ("code for gfx900", _SEEN)),
        (machine(MI300, driver=""), "2.5.1+rocm6.2", _NEWER_ROCM, ()),
        (machine(RADEON_780M, driver=""), "2.3.1+rocm5.7", ROCM_57, ("code for gfx1103", _SEEN)),
        (
            machine(RADEON_780M, driver="", variables={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}),
            "2.3.1+rocm5.7",
            ROCM_57,
            (),
        ),
        (machine(APPLE_M2, driver="", cuda=""), "2.9.0", {}, ()),
        (machine(driver="", cuda=""), "2.9.0", None, ()),
        (machine(H100, driver="470.57.02", cuda=""), "2.9.0", None, ("driver", _TABLE)),
        (machine(H100, driver="470.57.02", cuda="", wsl=True), "2.9.0", None, ("driver", _TABLE)),
        (machine(H100, wsl=True), "2.9.0", None, ()),
    ],
)
def test_every_machine_has_its_verdict_and_its_source(
    target: Machine, version: str, modules: _Modules | None, verdict: tuple[str, ...]
) -> None:
    """By the file that describes it, as from a machine that is elsewhere."""
    elsewhere = load(dump(target), "machine.json")
    hip = version.partition("+rocm")[2]
    links = judged(version, elsewhere, modules=modules, cuda="" if hip or modules == {} else None, hip=hip)
    assert links.undecided == ()
    if not verdict:
        assert links.broken == ()
        return
    wanted, source = verdict
    one = only(links)
    assert (wanted in one.target, one.severity) == (True, Severity.BREAK)
    assert source in {piece.artifact for piece in one.evidence}
