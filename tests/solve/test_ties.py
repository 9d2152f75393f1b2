"""Packages that move together."""

from __future__ import annotations

from torchlink.solve.ties import tied

REQUIRES = {
    "torch": ["nvidia-cudnn-cu12==9.10.2.21 ; platform_system == 'Linux'", "sympy>=1.13"],
    "torchvision": ["numpy", "torch==2.9.0", "Not a requirement!"],
    "ultralytics": ["torch>=1.8", "torchvision==0.24.*"],
}


def found(*names: str) -> frozenset[str]:
    others = ("torch", "torchvision", "ultralytics", "numpy", "nvidia-cudnn-cu12")
    return tied(names, others, lambda name: REQUIRES.get(name, ()))


def test_either_end_of_an_exact_requirement_moves_with_the_other() -> None:
    assert found("torch") == {"torch", "torchvision", "nvidia-cudnn-cu12"}
    assert found("torchvision") == {"torch", "torchvision", "nvidia-cudnn-cu12"}


def test_a_range_ties_nothing() -> None:
    assert found("numpy") == {"numpy"} and found("ultralytics") == {"ultralytics"}
