"""What an extension uses of torch's C++ interface, and which torch it was built for.

torch promises a stable binary interface only for the C functions of ``torch/csrc/stable`` and ``aoti_torch_*`` (from
2.9 on with a version each); everything in ``at::``, ``c10::`` and ``torch::`` may change its layout with every minor
release, with or without a symbol that goes missing. So an extension that uses those is bound to the minor release
that it was compiled against.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from torchlink.model.environment import Distribution
from torchlink.model.exports import Exports, exporting_all, only
from torchlink.model.native import NativeLibrary

_TORCH_LIBRARY = re.compile(r"lib(?:torch(?:_(?:cpu|cuda|hip|xpu|python)(?:_.*)?)?|c10(?:_cuda|_hip|_xpu)?)\.so")
_NAMESPACE = re.compile(r"_Z.*?(?<!\d)(?:2at|3c10|5torch|6caffe2)\d")
_C_PREFIXES = ("aoti_torch_", "torch_", "THP")
_TAG = re.compile(r"(?:^|[.+_-]|[a-z]{2}\d+)(?:torch|pt)(\d)\.?(\d{1,2})(?!\d)")


class TorchApi(Enum):
    """What an extension uses of torch's native libraries."""

    NONE = "none"
    STABLE = "stable"
    """Only C functions: its symbols decide."""
    UNSTABLE = "unstable"
    """C++ names: bound to a minor release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The torch that an extension was built for."""

    version: str
    source: str
    """What says so."""

    @property
    def minor(self) -> tuple[int, int]:
        return minor_of(self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporters:
    """The releases of torch that export all that a library needs; none where that is not known."""

    releases: tuple[str, ...] = ()
    every: tuple[str, ...] = ()
    """All releases whose exports are known."""

    @property
    def told(self) -> str:
        """What they show of the torch that the library was built for; empty where they show nothing."""
        return only(self.releases, self.every)

    def deny(self, built: Built, running: str) -> bool:
        """Whether a declaration is wrong: no release of that minor exports all that is needed, the running one does."""
        declared = [one for one in self.every if minor_of(one) == built.minor]
        return bool(declared) and running.partition("+")[0] in self.releases and not {*declared} & {*self.releases}


def minor_of(version: str) -> tuple[int, int]:
    """``(2, 4)`` of ``2.4.1+cu121``; ``(0, 0)`` for what is no version."""
    try:
        parsed = Version(version)
    except InvalidVersion:
        return 0, 0
    return parsed.major, parsed.minor


def is_torch_library(name: str) -> bool:
    """Whether a soname is one of torch's own libraries."""
    return _TORCH_LIBRARY.fullmatch(name) is not None


def is_torch_symbol(symbol: str) -> bool:
    """Whether a mangled name speaks of ``at::``, ``c10::``, ``torch::`` or ``caffe2::``."""
    return _NAMESPACE.match(symbol) is not None


def is_of_torch(symbol: str) -> bool:
    """Whether only torch can be meant to export a symbol: one of its C++ names, or of its C functions."""
    return is_torch_symbol(symbol) or symbol.startswith(_C_PREFIXES)


def torch_api(library: NativeLibrary) -> TorchApi:
    """What a library uses of torch's C++ interface."""
    if not any(map(is_torch_library, library.needed)):
        return TorchApi.NONE
    return TorchApi.UNSTABLE if any(map(is_torch_symbol, library.undefined)) else TorchApi.STABLE


def built_for(distribution: Distribution, record: str) -> Built | None:
    """The torch that a distribution's extensions were built for, from the first that tells.

    Args:
        distribution: whose extension it is.
        record: the version in a file that the package's build left beside its libraries; empty without one.
    """
    if minor_of(record) != (0, 0):
        return Built(version=record, source=f"its build recorded torch {record}")
    if tag := _TAG.search(distribution.build):
        return Built(version=f"{tag[1]}.{tag[2]}", source=f"its build tag is {distribution.build}")
    for line in distribution.requires:
        if pinned := _pin(line):
            return Built(version=pinned, source=f"its metadata requires torch=={pinned}")
    return None


def _pin(line: str) -> str:
    """The version of an exact requirement of torch; empty for any other line."""
    if not line.lower().startswith("torch"):
        return ""
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return ""
    pins = [clause.version for clause in requirement.specifier if clause.operator in ("==", "===")]
    if requirement.name.lower() != "torch" or "extra" in str(requirement.marker or "") or len(pins) != 1:
        return ""
    pinned = pins[0].removesuffix(".*")
    return pinned if pinned.count(".") else ""


def exporters(library: NativeLibrary, exports: Exports) -> Exporters:
    """The releases of torch that export all that a library needs of torch."""
    if library.machine != exports.machine:
        return Exporters()
    releases = exporting_all(filter(is_of_torch, library.undefined), exports)
    return Exporters(releases=releases, every=exports.releases)


def other_minor(built: Built, running: str) -> bool:
    """Whether the running torch is of another minor release than the one that an extension was built for."""
    here = minor_of(running)
    return here != (0, 0) and built.minor != (0, 0) and here != built.minor
