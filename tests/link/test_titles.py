"""Titles say who needs what, and what is there instead."""

from __future__ import annotations

import pytest

from tests.samples import NUMPY, TORCH, TORCHVISION, package
from torchlink.link.titles import title, title_of_state
from torchlink.model.reference import Kind, Party, PartyType

GONE = package("timm")
PYTHON = Party(type=PartyType.PYTHON, name="python", version="3.11.7")
MACHINE = Party(type=PartyType.PYTHON, name="python")
SYSTEM = Party(type=PartyType.SYSTEM, name="system", version="glibc 2.31")
LIBSTDCXX = Party(type=PartyType.SYSTEM, name="libstdc++")
OPENMP = Party(type=PartyType.SYSTEM, name="libgomp.so.1")
DRIVER = Party(type=PartyType.DRIVER, name="driver")
PROJECT = Party(type=PartyType.PROJECT, name="demo")


@pytest.mark.parametrize(
    ("kind", "needer", "provider", "targets", "said"),
    [
        (Kind.REQUIRES, TORCHVISION, TORCH, ["torch==2.2.0"], "requires torch==2.2.0; torch 2.1.2+cu121 is installed"),
        (Kind.REQUIRES, TORCHVISION, GONE, ["timm>=1"], "requires timm>=1; timm is not installed"),
        (Kind.IMPORT, TORCHVISION, TORCH, ["torch.int1"], "needs torch.int1; torch 2.1.2+cu121 does not have it"),
        (Kind.IMPORT, PROJECT, GONE, ["timm"], "The project needs timm; timm is not installed"),
        (Kind.IMPORT, TORCHVISION, TORCH, list("abc"), "needs a, b and 1 more; torch 2.1.2+cu121 does not have them"),
        (Kind.GATE, TORCHVISION, TORCH, ["torch>=2.6"], "refuses torch 2.1.2+cu121"),
        (Kind.GATE, TORCHVISION, GONE, ["timm"], "needs timm, which is not installed"),
        (Kind.SYMBOL, TORCHVISION, TORCH, ["_ZN2at"], "was built for another torch than 2.1.2+cu121"),
        (Kind.SYMBOL, TORCHVISION, TORCH, ["torch 2.2"], "was built for torch 2.2; torch 2.1.2+cu121 is installed"),
        (Kind.SYMBOL, TORCH, LIBSTDCXX, ["GLIBCXX_3.4.32"], "needs GLIBCXX_3.4.32; libstdc++ does not have it"),
        (Kind.SYMBOL, TORCH, NUMPY, ["GLIBC_2.38"], "needs GLIBC_2.38; numpy 2.2.6 does not have it"),
        (Kind.LIBRARY, TORCHVISION, TORCH, ["libcudart.so.12"], "libcudart.so.12; torch 2.1.2+cu121 does not have it"),
        (Kind.LIBRARY, TORCH, OPENMP, ["libgomp.so.1"], "needs libgomp.so.1; nothing here provides it"),
        (Kind.LIBRARY, TORCH, DRIVER, ["libcuda.so.1"], "needs libcuda.so.1; the driver does not have it"),
        (Kind.NUMPY_ABI, TORCH, NUMPY, ["numpy"], "was built for NumPy 1; numpy 2.2.6 is installed"),
        (Kind.NUMPY_ABI, TORCH, package("numpy"), ["numpy"], "needs numpy, which is not installed"),
        (Kind.PLATFORM, TORCH, PYTHON, ["cp310-cp310"], "was built for cp310-cp310; Python 3.11.7 is here"),
        (Kind.PLATFORM, TORCH, MACHINE, ["aarch64"], "was built for aarch64; this interpreter is for another machine"),
        (Kind.PLATFORM, TORCH, SYSTEM, ["glibc >= 2.34"], "needs glibc >= 2.34; glibc 2.31 is here"),
        (
            Kind.KERNEL,
            TORCH,
            Party(type=PartyType.GPU, name="MI25"),
            ["code for gfx900"],
            "has no code for gfx900, which MI25 needs",
        ),
    ],
)
def test_titles(kind: Kind, needer: Party, provider: Party, targets: list[str], said: str) -> None:
    told = title(kind, needer, provider, targets)
    assert told.endswith(said)
    assert told.startswith("The project" if needer is PROJECT else needer.label)


def test_a_state_is_told_by_the_first_clause_of_its_cause() -> None:
    assert title_of_state("torch.py hides torch 2.1.2: whatever imports it") == "torch.py hides torch 2.1.2"
    assert title_of_state("C:\\x lies twice; Python takes the first") == "C:\\x lies twice"
