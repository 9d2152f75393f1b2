"""Why a native library does not load, in words: faults of the loader, torch's and NumPy's interfaces as broken
references."""

from __future__ import annotations

import re

from torchlink.link.demangle import demangle
from torchlink.link.libraries import Missing
from torchlink.link.numpy_abi import NumpyFit
from torchlink.link.owners import Owners, package
from torchlink.link.process import Faults, MissingSymbols, NeededVersion
from torchlink.link.torch_abi import Built, Exporters, is_of_torch, is_torch_library, is_torch_symbol, other_minor
from torchlink.model.environment import Distribution
from torchlink.model.native import NativeFacts, NumpyFailure
from torchlink.model.reference import Broken, Evidence, Kind, Party, PartyType, Severity

MAX_SYMBOLS = 400
"""So many symbols of one library are told; more say nothing new."""

_DRIVER = re.compile(r"lib(?:cuda|nvidia-ml|nvcuvid|nvidia-encode)\.so")
_CUDA = re.compile(
    r"lib(?:cudart|cublas|cublasLt|cufft|curand|cusolver|cusparse|cudnn|nvrtc|nccl|nvJitLink|cupti|npp\w*)\.so"
)
_GENERATION = re.compile(r"\.so\.(\d+)")
_SYSTEM_LIBRARIES = {
    "libc.so.6": "glibc",
    "libm.so.6": "glibc",
    "libstdc++.so.6": "libstdc++",
    "libgcc_s.so.1": "libgcc",
}


def of_faults(
    owners: Owners,
    root: str,
    faults: Faults,
    built: Built | None,
    torch: Distribution | None,
    shown: Exporters,
) -> tuple[Broken, ...]:
    """Every reference that does not resolve when ``root`` is loaded, the one that the loader names leading.

    Args:
        owners: who owns a file.
        root: the library that is loaded.
        faults: what fails then.
        built: the torch that ``root`` is said to be built for.
        torch: the installed one.
        shown: the releases of torch that export what ``root`` needs.
    """
    after_torch = torch is not None and any(map(_is_torch_file, faults.closure)) and owners.of_path(root) is not torch
    found = [_library(owners, one, torch, after_torch or is_torch_library(one.soname)) for one in faults.missing]
    found += [_version(owners, one) for one in faults.versions]
    for one in faults.symbols:
        told = (built, shown) if one.needer == root else (None, Exporters())
        found += _symbols(owners, one, *told, torch)
    return tuple(found)


def _library(owners: Owners, missing: Missing, torch: Distribution | None, after_torch: bool) -> Broken:
    needer, name = owners.party(missing.needer), missing.soname
    provider = _provider_of_library(name, after_torch, torch)
    cause = f"{needer.label} needs {name}, which is nowhere on its search path"
    if provider.name == "torch" and torch is not None:
        cause = f"{needer.label} was built for a torch that has {name}; the installed torch {torch.version} does not"
        if _CUDA.match(name) and (generation := _GENERATION.search(name)):
            cause = f"{needer.label} was built for CUDA {generation[1]} ({name}), which torch {torch.version} lacks"
    elif provider.type is PartyType.DRIVER:
        cause = f"{needer.label} needs {name} of the NVIDIA driver, which this machine does not have"
    return Broken(
        kind=Kind.LIBRARY,
        severity=Severity.RISK,
        needer=needer,
        provider=provider,
        target=name,
        cause=cause,
        symptom=f"{name}: cannot open shared object file: No such file or directory",
        evidence=(Evidence(artifact=owners.relative(missing.needer), detail=f"needs {name} (DT_NEEDED)"),),
        culprits=_culprits(needer, provider),
    )


def _is_torch_file(path: str) -> bool:
    return is_torch_library(path.rpartition("/")[2])


def _provider_of_library(name: str, after_torch: bool, torch: Distribution | None) -> Party:
    if _DRIVER.match(name):
        return Party(type=PartyType.DRIVER, name="driver")
    if is_torch_library(name):
        return package(torch) if torch else Party(type=PartyType.PACKAGE, name="torch")
    if _CUDA.match(name) and torch is not None and after_torch:
        return package(torch)
    return Party(type=PartyType.SYSTEM, name=name)


def _version(owners: Owners, needed: NeededVersion) -> Broken:
    missing, needer = needed.missing, owners.party(needed.needer)
    owner = owners.of_path(missing.path)
    name = _SYSTEM_LIBRARIES.get(missing.library, missing.library)
    provider = package(owner) if owner else Party(type=PartyType.SYSTEM, name=name, path=missing.path)
    shown = owners.relative(needed.needer)
    return Broken(
        kind=Kind.SYMBOL,
        severity=Severity.RISK,
        needer=needer,
        provider=provider,
        target=missing.version,
        cause=f"{needer.label} needs {missing.version} of {missing.library}, and {missing.path} is too old for it",
        symptom=f"{missing.path}: version `{missing.version}' not found (required by {needed.needer})",
        evidence=(Evidence(artifact=shown, detail=f"needs {missing.version} of {missing.library} (DT_VERNEED)"),),
        culprits=_culprits(needer, provider),
    )


def _symbols(
    owners: Owners, missing: MissingSymbols, built: Built | None, shown: Exporters, torch: Distribution | None
) -> list[Broken]:
    needer, artifact = owners.party(missing.needer), owners.relative(missing.needer)
    found = []
    for symbol in sorted(missing.symbols, key=lambda symbol: not is_torch_symbol(symbol))[:MAX_SYMBOLS]:
        provider = _provider_of_symbol(symbol, torch)
        readable = demangle(symbol)
        detail = f"needs {readable}" if readable == symbol else f"needs {readable} ({symbol})"
        found.append(
            Broken(
                kind=Kind.SYMBOL,
                severity=Severity.RISK,
                needer=needer,
                provider=provider,
                target=symbol,
                cause=_cause_of_symbol(symbol, needer, built, shown, torch),
                symptom=f"{missing.needer}: undefined symbol: {symbol}",
                evidence=(
                    Evidence(artifact=artifact, detail=detail),
                    *(_built_evidence(built, shown, artifact) if provider.name == "torch" else ()),
                ),
                culprits=_culprits(needer, provider),
            )
        )
    return found


def _provider_of_symbol(symbol: str, torch: Distribution | None) -> Party:
    if is_of_torch(symbol):
        return package(torch) if torch else Party(type=PartyType.PACKAGE, name="torch")
    if symbol.startswith(("Py", "_Py")):
        return Party(type=PartyType.PYTHON, name="python")
    return Party(type=PartyType.SYSTEM, name="system")


def _cause_of_symbol(
    symbol: str, needer: Party, built: Built | None, shown: Exporters, torch: Distribution | None
) -> str:
    readable = demangle(symbol)
    if torch is None or not is_of_torch(symbol):
        return f"{needer.label} needs {readable}, which no library that is loaded with it exports"
    cause = f"{needer.label} needs {readable}, which torch {torch.version} does not export"
    if built is not None and other_minor(built, torch.version):
        return f"{cause}: it was built for torch {built.version}"
    if shown.told and torch.version.partition("+")[0] not in shown.releases:
        return f"{cause}: {shown.told}"
    if "NSt7__cxx1112basic_string" in symbol or "B5cxx11" in symbol:
        return f"{cause}: it was built for another torch, one with the new C++ string ABI (_GLIBCXX_USE_CXX11_ABI=1)"
    if symbol.endswith("Ss") or "RKSs" in symbol:
        return f"{cause}: it was built for another torch, one with the old C++ string ABI (_GLIBCXX_USE_CXX11_ABI=0)"
    return f"{cause}: it was built for another torch"


def _built_evidence(built: Built | None, shown: Exporters, artifact: str) -> tuple[Evidence, ...]:
    details = (built.source if built else "", shown.told)
    return tuple(Evidence(artifact=artifact, detail=detail) for detail in details if detail)


def other_torch(owners: Owners, path: str, built: Built, torch: Distribution, shown: Exporters) -> Broken:
    """An extension whose symbols all exist, and that was built for another minor release."""
    needer = owners.party(path)
    version = ".".join(map(str, built.minor))
    return Broken(
        kind=Kind.SYMBOL,
        severity=Severity.RISK,
        needer=needer,
        provider=package(torch),
        target=f"torch {version}",
        cause=f"{needer.label} uses the C++ interface of torch {version}, which torch {torch.version} does not keep",
        symptom="a crash while it is loaded, or operators that do not exist or do not work",
        evidence=_built_evidence(built, shown, owners.relative(path)),
        culprits=(needer.name, "torch"),
    )


def other_machine(owners: Owners, path: str, there: str, here: str) -> Broken:
    """A library of another architecture."""
    needer, shown = owners.party(path), owners.relative(path)
    return Broken(
        kind=Kind.PLATFORM,
        severity=Severity.RISK,
        needer=needer,
        provider=Party(type=PartyType.PYTHON, name="python"),
        target=there,
        cause=f"{shown} is machine code for {there}, and the interpreter is {here}",
        symptom=f"{path}: cannot open shared object file: No such file or directory",
        evidence=(Evidence(artifact=shown, detail=f"an ELF file for {there}"),),
        culprits=(needer.name,),
    )


def numpy_abi(owners: Owners, path: str, facts: NativeFacts, fit: NumpyFit, numpy: Distribution) -> Broken:
    """An extension to which the installed NumPy refuses its C API."""
    needer, shown = owners.party(path), owners.relative(path)
    if fit is NumpyFit.LEVEL:
        cause = f"{needer.label} needs the C API of NumPy {facts.numpy_level} or newer, and NumPy is {numpy.version}"
        symptom = f"module was compiled against the C-API of NumPy {facts.numpy_level}, but the running NumPy is older"
        detail = f"asks for the C API of NumPy {facts.numpy_level}"
    else:
        cause = f"{needer.label} was built for NumPy 1, and NumPy {numpy.version} refuses its C API to such code"
        symptom = _refusal(facts.numpy_failure)
        detail = "knows only numpy.core._multiarray_umath, the name in NumPy 1"
    return Broken(
        kind=Kind.NUMPY_ABI,
        severity=Severity.RISK,
        needer=needer,
        provider=package(numpy),
        target="numpy",
        cause=cause,
        symptom=symptom,
        evidence=(Evidence(artifact=shown, detail=detail),),
        culprits=("numpy", needer.name),
    )


def _refusal(failure: NumpyFailure) -> str:
    if failure is NumpyFailure.WARNING:
        return "RuntimeError: Numpy is not available"
    if failure is NumpyFailure.VALUE_ERROR:
        return "ValueError: numpy.dtype size changed, may indicate binary incompatibility"
    if failure is NumpyFailure.IMPORT_ERROR:
        return "ImportError: numpy.core.multiarray failed to import"
    return "A module that was compiled using NumPy 1.x cannot be run in NumPy 2"


def _culprits(needer: Party, provider: Party) -> tuple[str, ...]:
    if provider.type is PartyType.DRIVER:
        return ("driver",)
    if provider.type is PartyType.SYSTEM:
        return (needer.name, "system")
    return (needer.name, provider.name)
