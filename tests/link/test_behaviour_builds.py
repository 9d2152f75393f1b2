"""Requirements whose build needs torch."""

from __future__ import annotations

import pytest

from tests.scenarios.conftest import world
from tests.scenarios.world import World
from torchlink.model.reference import Severity

__all__ = ["world"]


def severities(world: World) -> list[Severity]:
    return [one.severity for one in world.report().findings if one.rule == "build-needs-torch"]


def install(world: World, *names: str) -> None:
    for name in names:
        module = name.replace("-", "_")
        world.install(name, "2.6.0", {f"{module}/__init__.py": ""})


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("requirements.txt", "torch\nflash-attn==2.8.3\n"),
        ("pyproject.toml", '[project]\nname = "p"\nversion = "1"\ndependencies = ["torch-scatter>=2"]\n'),
        ("setup.sh", "pip install torch==2.6.0\npip install flash-attn==2.8.3\n"),
    ],
)
def test_an_isolated_build_is_a_risk(world: World, file: str, text: str) -> None:
    install(world, "torch")
    world.source(file, text)
    assert severities(world) == [Severity.RISK]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("setup.sh", "pip install flash-attn==2.8.3 --no-build-isolation\n"),
        (
            "pyproject.toml",
            '[project]\nname = "p"\nversion = "1"\ndependencies = ["flash-attn"]\n'
            '[tool.uv]\nno-build-isolation-package = ["flash-attn"]\n',
        ),
        ("requirements.txt", "flash-attn @ https://example.com/flash_attn-2.8.3-cp311-cp311-linux_x86_64.whl\n"),
        ("requirements.txt", "flashinfer-python\n"),
    ],
)
def test_there_is_no_alarm_where_it_is_told_or_not_built(world: World, file: str, text: str) -> None:
    install(world, "torch")
    world.source(file, text)
    assert severities(world) == []


def test_a_file_that_is_installed_without_isolation(world: World) -> None:
    install(world, "torch")
    world.source("requirements.txt", "flash-attn==2.8.3\n")
    world.source("setup.sh", "pip install --no-build-isolation -r requirements.txt\n")
    assert severities(world) == []


def test_what_is_installed_already_is_only_a_note(world: World) -> None:
    install(world, "torch", "flash-attn")
    world.source("requirements.txt", "flash-attn\n")
    assert severities(world) == [Severity.NOTE]
