"""Small environments with compiled libraries: a torch, a NumPy, and extensions of both."""

from __future__ import annotations

import importlib.machinery
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.compiled import compile_library
from tests.installs import install, make_venv, read_with_tree
from torchlink.link.natives import NativeLinker
from torchlink.model.exports import Exports
from torchlink.read.native_files import NativeReader

SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]

C10 = 'namespace c10 { void kept(int) {} void older(int) {} } extern "C" void aoti_torch_kept(void) {}'
BINDINGS = (
    "extern void *PyCapsule_GetPointer(void *, const char *);\n"
    "const char *names[] = {%s}; void *f(void *p) { return PyCapsule_GetPointer(p, names[0]); }"
)
NUMPY_1 = '"numpy.core._multiarray_umath"'
NUMPY_2 = '"numpy._core._multiarray_umath", "numpy.core._multiarray_umath"'


def distribution(
    site: Path,
    name: str,
    version: str,
    libraries: Mapping[str, tuple[str, Iterable[str | Path]]],
    *,
    requires: Iterable[str] = (),
) -> None:
    """Install a distribution whose files are compiled: C++ source and linker flags by their path."""
    for path, (source, flags) in libraries.items():
        compile_library(site / path, source, *flags, language="c++" if "namespace" in source else "c")
    files = {f"{name}/__init__.py": ""}
    install(site, name, version, requires=requires, files=files, record=libraries)


def environment_with_torch(prefix: Path, version: str = "2.4.0", bindings: str = NUMPY_2) -> Path:
    """An environment with a torch of three libraries; returns its site-packages."""
    site = make_venv(prefix)
    origin = ("-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed")
    distribution(
        site,
        "torch",
        version,
        {
            "torch/lib/libc10.so": (C10, ("-Wl,-soname,libc10.so",)),
            "torch/lib/libtorch_global_deps.so": ("int global_deps;", ("-Wl,-soname,libtorch_global_deps.so",)),
            "torch/lib/libtorch_python.so": (
                BINDINGS % f'{bindings}, "Numpy is not available"',
                ("-Wl,-soname,libtorch_python.so", *origin, site / "torch/lib/libc10.so"),
            ),
            f"torch/_C{SUFFIX}": (
                "int module;",
                ("-Wl,-rpath,$ORIGIN/lib", "-Wl,--no-as-needed", site / "torch/lib/libtorch_python.so"),
            ),
        },
    )
    return site


def extension(site: Path, symbols: Iterable[str]) -> tuple[str, tuple[str | Path, ...]]:
    """An extension that calls functions of ``c10::``, with the flags that link it to torch."""
    names = tuple(symbols)
    declared = " ".join(f"void {name}(int);" for name in names)
    called = " ".join(f"c10::{name}(1);" for name in names)
    source = f'namespace c10 {{ {declared} }} extern "C" void PyInit(void) {{ {called} }}'
    return source, ("-Wl,--no-as-needed", site / "torch/lib/libc10.so")


def linker(prefix: Path, exports: Exports | None = None) -> NativeLinker:
    """The linker of an environment on disk, which knows what releases of torch export where it is told."""
    environment, tree = read_with_tree(prefix)
    known = None if exports is None else lambda: exports
    return NativeLinker(environment, NativeReader(), tree.native_libraries(), torch_exports=known)
