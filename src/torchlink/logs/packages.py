"""Which package a path, a module or a native library in a log belongs to."""

from __future__ import annotations

import re

from torchlink.model.names import normalise
from torchlink.rules.signatures import distributions

PROJECT, SYSTEM, PYTHON = "project", "system", "python"

_SITE = re.compile(r"(?:site|dist)-packages/([^/]+)(?:/([^/]+))?")
_EGG = re.compile(r"([\w.]+)-\d[\w.+]*\.egg$")
_METADATA = re.compile(r"([\w.]+?)-\d[\w.+!]*\.(?:dist|egg)-info$")
_BINARY = re.compile(
    r"\.(?:cpython-\d+[\w-]*|cp\d+-\w+|abi3|pypy\w+-\w+)?\.?(?:so(?:\.[\d.]+)?|pyd|dll|dylib)$", re.IGNORECASE
)
_STANDARD = re.compile(r"(?:/lib/python\d[\d.]*/|/Python\d+/lib/|/python[\d.]*\.zip/|^<frozen )", re.IGNORECASE)
_SYSTEM = re.compile(r"^/(?:usr/)?(?:local/)?lib(?:32|64)?/|^/usr/local/cuda|^/opt/(?:rocm|nvidia)|^C:/Windows/", re.I)
_TORCH_LIBRARY = re.compile(
    r"^(?:lib)?(?:torch(?:_\w+)?|c10(?:_\w+)?|caffe2\w*|fbgemm|shm|torch_python)\.(?:so|dll|dylib)$|/torch/(?:lib|_C)[/.]"
)
_NVIDIA_FOLDER = re.compile(r"/nvidia/\w+/(?:lib|bin)/")
_KNOWN_LIBRARY = {
    "libcusparse": "nvidia-cusparse", "libcublas": "nvidia-cublas", "libcublaslt": "nvidia-cublas",
    "libcudnn": "nvidia-cudnn", "libnccl": "nvidia-nccl", "libnvjitlink": "nvidia-nvjitlink",
    "libcusolver": "nvidia-cusolver", "libcudart": "nvidia-cuda-runtime", "libnvrtc": "nvidia-cuda-nvrtc",
    "libcufft": "nvidia-cufft", "libcurand": "nvidia-curand", "libcusparselt": "nvidia-cusparselt",
    "libnvtoolsext": "nvidia-nvtx", "libcupti": "nvidia-cuda-cupti",
}  # fmt: skip
_MAJOR = re.compile(r"\.(?:so\.|dll\.)?(\d{1,2})\b")


def package_of_path(path: str) -> str:
    """The distribution that a file belongs to; ``project``, ``python`` or ``system``; empty for no path at all."""
    plain = path.strip().strip("'\"").replace("\\", "/")
    if not plain or plain.startswith("<") or plain.endswith((".pyx", ".pxd", ".pxi")):
        # Code without a file of its own, and Cython's, whose path is that of the machine that compiled it.
        return PYTHON if plain.startswith("<frozen ") else ""
    if match := _last(_SITE, plain):
        return _inside_site(match[1], match[2] or "", plain)
    name = plain.rsplit("/", 1)[-1]
    if _NVIDIA_FOLDER.search(plain) and (package := _nvidia(plain)):
        return package
    if _TORCH_LIBRARY.search(name) or _TORCH_LIBRARY.search(plain):
        return "torch"
    if _BINARY.search(name):
        return _of_binary(plain, name)
    if _STANDARD.search(plain):
        return PYTHON
    return SYSTEM if _SYSTEM.search(plain) else PROJECT


def package_of_module(module: str) -> str:
    """The distribution that provides a module, by its name alone."""
    top = module.strip().partition(".")[0]
    known = distributions()
    return known.get(module.strip()) or known.get(top) or normalise(top)


def is_known_package(module: str) -> bool:
    """Whether a top-level module is one that signatures know of (and hence surely no file of the user's)."""
    return module.partition(".")[0] in distributions()


def is_known_distribution(package: str) -> bool:
    """Whether a distribution is one that signatures know of, or one of NVIDIA's or PyTorch's own."""
    return package in distributions().values() or package.startswith(("nvidia-", "torch", "pytorch-", "triton"))


def import_name(package: str) -> str:
    """What one imports to get a distribution."""
    names = [module for module, name in distributions().items() if name == package and not module.startswith("_")]
    return names[0] if names else package.replace("-", "_")


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for match in pattern.finditer(text):
        found = match
    return found


def _inside_site(first: str, second: str, path: str) -> str:
    if first == "nvidia":
        return _nvidia(path) or f"nvidia-{normalise(second)}"
    for pattern in (_METADATA, _EGG):
        if match := pattern.match(first):
            return normalise(match[1])
    first = first.removesuffix(".libs")
    top = _BINARY.sub("", first) if _BINARY.search(first) else first.removesuffix(".py")
    return package_of_module(top)


def _of_binary(path: str, name: str) -> str:
    """A native library outside site-packages, or of which only the tail of the path was printed."""
    folders = path.split("/")[:-1]
    bare = _BINARY.sub("", name)
    known = distributions()
    if bare in known:
        return known[bare]
    if package := _nvidia(path):
        return package if not _SYSTEM.search(path) else SYSTEM
    for folder in reversed(folders):
        if folder in known:
            return known[folder]
    if _SYSTEM.search(path) or bare.startswith("lib"):
        return SYSTEM
    inside = [folder for folder in folders if folder.isidentifier()]
    return package_of_module(inside[-1] if inside and bare.startswith("_") else bare)


def _nvidia(path: str) -> str:
    name = path.rsplit("/", 1)[-1].lower()
    package = _KNOWN_LIBRARY.get(name.partition(".")[0].partition("_")[0])
    if package is None:
        return ""
    major = _MAJOR.search(name)
    if package == "nvidia-cudnn" or package == "nvidia-nccl":
        return f"{package}-cu12"
    number = int(major[1]) if major else 12
    return f"{package}-cu{12 if number >= 12 else 11}" if number < 13 else package
