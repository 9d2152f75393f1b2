"""What the name of a missing symbol tells: whose it is, and which C++ ABI it was compiled for."""

from __future__ import annotations

import re

from torchlink.link.demangle import demangle
from torchlink.model.exports import Exports, spans

_OWNERS = (
    (re.compile(r"^(?:_ZN?K?|_ZT[VISH]N?)\d*(?:3c10|2at|5torch|6caffe2|N3c10|N2at|N5torch)"), "torch"),
    (re.compile(r"(?:3c10|2at|5torch)\d"), "torch"),
    (re.compile(r"^(?:c10|at|torch|aoti)::|^aoti_torch_|^THC?P|^_ZT[ISV]\d+TH|^_ZN4thpp|^THC?NN_|^TH[CA-Z]"), "torch"),
    (re.compile(r"^(?:p?nccl)", re.IGNORECASE), "nvidia-nccl-cu12"),
    (re.compile(r"nvJitLink"), "nvidia-nvjitlink-cu12"),
    (re.compile(r"^iJIT_|^mkl_|^vml|^__kmpc"), "mkl"),
    (re.compile(r"^cublas"), "nvidia-cublas-cu12"),
    (re.compile(r"^cudnn|^_ZN5cudnn"), "nvidia-cudnn-cu12"),
    (re.compile(r"^nvrtc"), "nvidia-cuda-nvrtc-cu12"),
    (re.compile(r"^cusparse"), "nvidia-cusparse-cu12"),
    (re.compile(r"^(?:cuda[A-Z]|__cuda)"), "nvidia-cuda-runtime-cu12"),
    (re.compile(r"^cu[A-Z]"), "driver"),
    (re.compile(r"^_?Py[A-Z_]"), "python"),
    (re.compile(r"^GOMP_|^omp_"), "system"),
    (re.compile(r"^(?:_ZSt|_ZNSt|_ZNKSt|_ZTVN10__cxxabiv)"), "system"),
)
_NEW_STRING = re.compile(r"__cxx11")
_OLD_STRING = re.compile(r"(?<![A-Za-z0-9_])Ss|RKSs|Ss(?:E|i|j|m|b|S|R|P|$)|E[SvijmRK]*Ss")


def owner_of_symbol(symbol: str) -> str:
    """The package (or ``python``, ``driver``, ``system``) that ought to export a symbol; empty where nothing tells."""
    for pattern, owner in _OWNERS:
        if pattern.search(symbol):
            return owner
    return ""


def string_abi(symbol: str) -> str:
    """Which ``std::string`` a mangled symbol takes: ``new``, ``old``, or empty where it takes none.

    libstdc++ mangles the string of its new ABI (GCC 5 and later) within ``std::__cxx11``, the old one as ``Ss``.
    """
    if not symbol.startswith("_Z"):
        return ""
    if _NEW_STRING.search(symbol):
        return "new"
    return "old" if _OLD_STRING.search(symbol) else ""


def readable(symbol: str) -> str:
    """The symbol as C++ writes it, as far as it can be read."""
    return demangle(symbol)


def exported_by(symbol: str, torch: str, exports: Exports) -> str:
    """Which releases of torch export a symbol, in words; empty where none does, or all do.

    Args:
        symbol: mangled, perhaps with a symbol version behind ``@``.
        torch: the release at hand; empty where that is not known.
        exports: what the released wheels export.
    """
    found = exports.releases_exporting(symbol.partition("@")[0])
    if not found or found == exports.releases:
        return ""
    words = f"exported by torch {spans(found, exports.releases)}"
    if not torch:
        return f"{words} only"
    if torch.partition("+")[0] in found:
        return f"{words}; the wheel of your {torch} has it too, so another build than that is loaded"
    return f"{words} only; you have {torch}"
