"""Builds for different compute platforms."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.installs import install, make_venv, read
from torchlink.link.builds import agree, compute_platform, link_builds


@pytest.mark.parametrize(
    ("version", "platform"),
    [
        ("2.1.2+cu121", "cu121"),
        ("2.1.2+cpu", "cpu"),
        ("2.2.0+rocm5.7", "rocm5.7"),
        ("2.1.2+pt23cu121", "cu121"),
        ("2.5.8+cu12torch2.3cxx11abiFALSE", "cu12"),
        ("2.6.0.dev20241112+cu124", "cu124"),
        ("2.0.0+cpu.cxx11.abi", "cpu"),
        ("2.3.0+xpu", "xpu"),
        ("2.1.2", ""),
        ("1.0+computecanada", ""),
        ("0.4.30+cuda12.cudnn91", ""),
        ("1.0+gitcafe123", ""),
    ],
)
def test_platforms(version: str, platform: str) -> None:
    assert compute_platform(version) == platform


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("cu121", "cu121", True),
        ("cu12", "cu121", True),
        ("cu12", "cu118", False),
        ("cu121", "cu124", False),
        ("cpu", "cu121", False),
        ("rocm6.2", "rocm6.2.4", True),
        ("rocm6.2", "rocm6.3", False),
        ("cpu", "xpu", False),
    ],
)
def test_agreement(one: str, other: str, same: bool) -> None:
    assert agree(one, other) is same
    assert agree(other, one) is same


def test_mixed_builds(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    install(site, "torchaudio", "2.1.2+cu121")
    install(site, "torchvision", "0.16.2+cpu")
    install(site, "torch", "2.1.2+cu121")
    install(site, "numpy", "1.26.4")
    links = link_builds(read(tmp_path / "env"))
    (broken,) = links.broken
    assert (broken.needer.label, broken.provider.label) == ("torchvision 0.16.2+cpu", "torch 2.1.2+cu121")
    assert broken.target == "a cpu build of torch"
    assert links.references == 3


def test_one_platform_is_no_mixture(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    install(site, "torch", "2.1.2+cu121")
    install(site, "torchvision", "0.16.2")
    assert not link_builds(read(tmp_path / "env")).broken
