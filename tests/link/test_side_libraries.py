"""Libraries that get in each other's way."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.link.test_kernels import distribution, environment
from torchlink.link.side_libraries import link_side_libraries
from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFacts, NativeLibrary
from torchlink.model.reference import Severity

SITE = "/env/lib/python3.11/site-packages"
TORCH_CUDA = f"{SITE}/torch/lib/libtorch_cuda.so"


@dataclass(slots=True)
class Paper:
    """Native files on paper."""

    runpath: tuple[str, ...] = ("$ORIGIN",)
    system_files: dict[str, str] = field(default_factory=dict)

    def facts(self, path: str) -> NativeFacts:
        if path != TORCH_CUDA:
            raise UnreadableError("not on paper", where=path)
        return NativeFacts(
            library=NativeLibrary(
                path=path,
                soname="libtorch_cuda.so",
                machine="x86_64",
                needed=("libcudart.so.12", "libcudnn.so.9", "libc.so.6"),
                rpath=() if self.runpath else ("$ORIGIN",),
                runpath=self.runpath,
                version_needs=(),
                undefined=(),
            )
        )

    def exported(self, path: str, names: frozenset[str]) -> frozenset[str]:
        return frozenset()

    def find(self, folder: str, name: str) -> str | None:
        return self.system_files.get(f"{folder}/{name}")

    def real(self, path: str) -> str:
        return path

    def system(self, soname: str) -> tuple[str, ...]:
        return ()

    def torch_record(self, folder: str) -> str:
        return ""


def test_nothing_in_the_way() -> None:
    found = environment(
        distribution("torch", "2.9.0", TORCH_CUDA, f"{SITE}/torch/lib/libgomp.so.1"),
        distribution("nvidia-cudnn-cu12", "9.10", f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9"),
        distribution("scikit-learn", "1.5", f"{SITE}/scikit_learn.libs/libgomp-a34b3233.so.1.0.0"),
    )
    assert link_side_libraries(found, Paper(), ("/usr/local/cuda/lib64",)).broken == ()


def test_two_cudnns_in_one_folder() -> None:
    found = environment(
        distribution("nvidia-cudnn-cu11", "8.7", f"{SITE}/nvidia/cudnn/lib/libcudnn.so.8"),
        distribution("nvidia-cudnn-cu12", "9.10", f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9"),
    )
    (one,) = link_side_libraries(found, Paper(), ()).broken
    assert (one.severity, one.culprits) == (Severity.RISK, ("nvidia-cudnn-cu11", "nvidia-cudnn-cu12"))
    apart = environment(
        distribution("nvidia-cudnn-cu12", "9.10", f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9"),
        distribution("other", "1", f"{SITE}/other/lib/libcudnn.so.8"),
    )
    assert link_side_libraries(apart, Paper(), ()).broken == ()


def test_two_runtimes_of_llvm() -> None:
    found = environment(
        distribution("intel-openmp", "2024.1", "/env/lib/libiomp5.so"),
        distribution("faiss-cpu", "1.8", f"{SITE}/faiss_cpu.libs/libomp-b8e5bcfb.so"),
        distribution("ompython", "1", f"{SITE}/ompython/companion.so"),
    )
    (one,) = link_side_libraries(found, Paper(), ()).broken
    assert (one.severity, one.needer.name, one.provider.name) == (Severity.NOTE, "intel-openmp", "faiss-cpu")


def test_ld_library_path_before_what_torch_came_with() -> None:
    found = environment(distribution("torch", "2.9.0", TORCH_CUDA))
    shadow = {"/usr/local/cuda/lib64/libcudart.so.12": "/usr/local/cuda/lib64/libcudart.so.12"}
    (one,) = link_side_libraries(found, Paper(system_files=shadow), ("/opt/other", "/usr/local/cuda/lib64")).broken
    assert one.target == "libcudart.so.12"
    assert "LD_LIBRARY_PATH puts /usr/local/cuda/lib64/libcudart.so.12 before" in one.cause
    # DT_RPATH is searched before LD_LIBRARY_PATH.
    assert link_side_libraries(found, Paper(runpath=(), system_files=shadow), ("/usr/local/cuda/lib64",)).broken == ()
