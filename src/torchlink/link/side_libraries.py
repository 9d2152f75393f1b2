"""``library``: copies of CUDA's libraries in each other's way, and OpenMP runtimes that do not bear each other.

Sources: ld.so(8): ``DT_RUNPATH`` is searched after ``LD_LIBRARY_PATH``, ``DT_RPATH`` before it; LLVM's OpenMP runtime
stops a process that loads a second copy of it or of Intel's ("OMP: Error #15").
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from torchlink.link.parties import package, relative
from torchlink.model.environment import Distribution, Environment
from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFiles
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity

_CUDNN = re.compile(r"libcudnn\.so\.(\d+)$")
_LLVM_OPENMP = re.compile(r"lib(?:iomp5|omp)[-.\w]*\.(?:so|dylib)[\d.]*$")
_CUDA = re.compile(
    r"lib(?:cudart|cublas|cublasLt|cudnn|cufft|curand|cusolver|cusparse|nccl|nvrtc|nvJitLink|cupti)\.so\.\d+$"
)


def link_side_libraries(environment: Environment, files: NativeFiles, library_path: Sequence[str]) -> Links:
    """Look for libraries that stand in the way of those that torch was built with."""
    found: defaultdict[str, list[tuple[Distribution, str]]] = defaultdict(list)
    for distribution in environment.distributions:
        for path in distribution.files:
            if "libcudnn." not in path and "omp" not in path:
                continue  # most files, at the price of a search
            name = PurePath(path).name
            if _CUDNN.fullmatch(name):
                found["cudnn"].append((distribution, path))
            elif _LLVM_OPENMP.fullmatch(name):
                found["openmp"].append((distribution, path))
    broken = (
        *_two_cudnn(found["cudnn"], environment),
        *_two_openmp(found["openmp"], environment),
        *_shadowed(environment, files, library_path),
    )
    return Links(broken=broken, references=sum(map(len, found.values())))


def _two_cudnn(found: Sequence[tuple[Distribution, str]], environment: Environment) -> Iterator[Broken]:
    by_major = {PurePath(path).name.rpartition(".")[2]: (owner, path) for owner, path in found}
    folders = {str(PurePath(path).parent) for _, path in found}
    if len(by_major) < 2 or len(folders) > 1:
        return
    (older, (one, old_path)), (newer, (other, new_path)) = sorted(by_major.items())[:2]
    yield Broken(
        kind=Kind.LIBRARY,
        severity=Severity.RISK,
        needer=package(one),
        provider=package(other),
        target=f"libcudnn.so.{older}",
        cause=f"{one.label} brings cuDNN {older} and {other.label} cuDNN {newer} into one folder: their parts, which "
        "are loaded by name, are mixed",
        evidence=tuple(
            Evidence(artifact=relative(path, environment), detail=owner.label)
            for owner, path in ((one, old_path), (other, new_path))
        ),
        culprits=tuple(dict.fromkeys((one.name, other.name))),
    )


def _two_openmp(found: Sequence[tuple[Distribution, str]], environment: Environment) -> Iterator[Broken]:
    owners = {owner.name: (owner, path) for owner, path in found}
    if len(owners) < 2:
        return
    (one, path), (other, other_path) = list(owners.values())[:2]
    yield Broken(
        kind=Kind.LIBRARY,
        severity=Severity.NOTE,
        needer=package(one),
        provider=package(other),
        target="one OpenMP runtime",
        cause=f"{one.label} and {other.label} each bring an OpenMP runtime of LLVM or Intel; a process that loads both "
        "stops",
        symptom="OMP: Error #15: Initializing libiomp5, but found libomp already initialized.",
        evidence=tuple(
            Evidence(artifact=relative(each, environment), detail=PurePath(each).name) for each in (path, other_path)
        ),
        culprits=(one.name, other.name),
    )


def _shadowed(environment: Environment, files: NativeFiles, library_path: Sequence[str]) -> Iterator[Broken]:
    """CUDA libraries that torch's own, or another package's, would be found after."""
    if not library_path:
        return
    torch = next((one for one in environment.distributions if one.name == "torch"), None)
    own = [path for path in torch.files if "/lib/libtorch_cuda" in path or "/lib/libc10_cuda" in path] if torch else []
    told: set[str] = set()
    for path in own:
        try:
            library = files.facts(path).library
        except UnreadableError:
            continue
        for soname in library.needed if library.runpath else ():
            if torch is None or soname in told or not _CUDA.fullmatch(soname):
                continue
            shadow = next((place for folder in library_path if (place := files.find(folder, soname))), None)
            if shadow is None or shadow.startswith(environment.prefix):
                continue
            told.add(soname)
            yield Broken(
                kind=Kind.LIBRARY,
                severity=Severity.RISK,
                needer=package(torch),
                provider=Party(type=PartyType.SYSTEM, name="LD_LIBRARY_PATH", path=shadow),
                target=soname,
                cause=f"LD_LIBRARY_PATH puts {shadow} before the {soname} that {torch.label} was installed with",
                evidence=(
                    Evidence(artifact=relative(path, environment), detail=f"needs {soname}, and has a RUNPATH"),
                    Evidence(artifact=shadow, detail="is found first"),
                ),
                culprits=("system",),
            )
