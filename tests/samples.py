"""Values of the model that several tests start from."""

from __future__ import annotations

from torchlink.link.cause import group, judge
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity, Undecided
from torchlink.model.report import Coverage, Report, Target

OWNERS = {"torch": "torch", "torchvision": "torchvision", "diffusers": "diffusers", "transformers": "transformers"}


def package(name: str, version: str = "", build: str = "") -> Party:
    return Party(type=PartyType.PACKAGE, name=name, version=version, build=build)


TORCH = package("torch", "2.1.2", "+cu121")
NUMPY = package("numpy", "2.2.6")
TORCHVISION = package("torchvision", "0.17.0")


def broken(
    kind: Kind = Kind.SYMBOL,
    needer: Party = TORCHVISION,
    provider: Party = TORCH,
    *,
    severity: Severity = Severity.BREAK,
    target: str = "at::empty",
    cause: str = "It does not resolve.",
    symptom: str = "",
    evidence: tuple[tuple[str, str], ...] = (),
    culprits: tuple[str, ...] = (),
    chain: tuple[str, ...] = (),
    affects: tuple[str, ...] = (),
) -> Broken:
    return Broken(
        kind=kind,
        severity=severity,
        needer=needer,
        provider=provider,
        target=target,
        cause=cause,
        symptom=symptom,
        evidence=tuple(Evidence(artifact=artifact, detail=detail) for artifact, detail in evidence),
        culprits=culprits,
        chain=chain,
        affects=affects,
    )


def numpy_bridge() -> Broken:
    """torch built for NumPy 1, beside NumPy 2."""
    return broken(
        Kind.NUMPY_ABI,
        TORCH,
        NUMPY,
        target="NumPy 2 C API",
        cause="libtorch_python.so knows only numpy.core._multiarray_umath, which NumPy 2 refuses.",
        symptom="RuntimeError: Numpy is not available",
        evidence=(("torch/lib/libtorch_python.so", "knows only numpy.core._multiarray_umath"),),
        chain=("train.py:3", "torchvision", "torchvision/__init__.py:6", "torch"),
    )


def foreign_extension(number: int) -> Broken:
    """One of the many symbols that an extension built for another torch misses."""
    return broken(
        target=f"at::_ops::op{number:03}::call(at::Tensor const&)",
        cause="torchvision/_C.so was built for torch 2.2; torch 2.1.2 does not export what it needs.",
        symptom="OSError: torchvision/_C.so: undefined symbol: _ZN2at4_ops8op0004callERKNS_6TensorE",
        evidence=(("torchvision/_C.so", f"at::_ops::op{number:03}::call(at::Tensor const&)"),),
        chain=("train.py:3", "torchvision", "torchvision/extension.py:34"),
    )


def violated_pin() -> Broken:
    return broken(
        Kind.REQUIRES,
        severity=Severity.RISK,
        target="torch==2.2.0",
        cause="torchvision 0.17.0 requires torch==2.2.0, and 2.1.2 is installed.",
        evidence=(("torchvision-0.17.0.dist-info/METADATA", "Requires-Dist: torch==2.2.0"),),
    )


def links() -> Links:
    """A broken environment with two root causes, a risk, a note and something undecided."""
    hub = package("huggingface-hub", "1.2.0")
    diffusers = package("diffusers", "0.21.4")
    return Links(
        broken=(
            numpy_bridge(),
            *(foreign_extension(number) for number in range(400)),
            violated_pin(),
            broken(Kind.REQUIRES, diffusers, hub, severity=Severity.RISK, target="huggingface-hub<0.26,>=0.20"),
            broken(Kind.PLATFORM, diffusers, hub, severity=Severity.NOTE, target="py3"),
        ),
        undecided=7
        * (
            Undecided(
                kind=Kind.LIBRARY,
                artifact="torchaudio/lib/_torchaudio.so",
                reason="the name of the library is computed at run time",
                reached=False,
            ),
        ),
        references=93210,
    )


def report() -> Report:
    found = links()
    findings = group([found], owners=OWNERS)
    return Report(
        torchlink="0.1.0",
        verdict=judge(findings, found.undecided),
        elapsed_s=1.93,
        target=Target(
            kind="environment",
            path="/home/ada/demo/.venv",
            project="/home/ada/demo",
            python="3.11.7",
            platform="linux_x86_64",
        ),
        findings=findings,
        coverage=Coverage(distributions=125, modules=4210, native_libraries=502, references=93210, unknown=7),
        undecided=found.undecided,
        silenced=1,
    )


def sound_report() -> Report:
    return Report(
        torchlink="0.1.0",
        verdict=judge((), ()),
        elapsed_s=0.21,
        target=Target(kind="environment", path="/home/ada/demo/.venv", python="3.12.1", platform="linux_x86_64"),
        findings=(),
        coverage=Coverage(distributions=1, modules=1, native_libraries=0, references=12),
    )
