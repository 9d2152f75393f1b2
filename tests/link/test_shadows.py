"""A user's files that hide packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.installs import install, make_venv, read, write
from torchlink.link.shadows import link_shadows
from torchlink.model.environment import Environment
from torchlink.model.reference import Severity


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    site = make_venv(tmp_path / "env")
    install(site, "torch", "2.1.2")
    install(site, "datasets", "2.0")
    return read(tmp_path / "env")


def test_a_file_in_the_place_of_a_package(environment: Environment) -> None:
    chain = ("train.py:1", "torchvision", "torchvision/__init__.py:5")
    links = link_shadows(environment, [Path("/p/torch.py"), Path("/p/train.py")], {"torch": chain})
    (broken,) = links.broken
    assert broken.severity is Severity.BREAK
    assert broken.chain == chain
    assert broken.culprits == ("project",)
    assert broken.provider.label == "torch 2.1.2"
    assert links.references == 2


def test_nobody_reaches_it(environment: Environment) -> None:
    (broken,) = link_shadows(environment, [Path("/p/torch.py")], {}).broken
    assert broken.severity is Severity.NOTE


def test_a_folder_may_be_a_copy_kept_on_purpose(environment: Environment) -> None:
    (broken,) = link_shadows(environment, [Path("/p/datasets")], {"datasets": ("a.py:1",)}).broken
    assert broken.severity is Severity.RISK


def test_the_standard_library(environment: Environment) -> None:
    files = [Path("/p/random.py"), Path("/p/os.py"), Path("/p/sys.py"), Path("/p/not-a-name.py")]
    (broken,) = link_shadows(environment, files, {"random": ("a.py:1",), "os": ("a.py:1",)}).broken
    assert broken.target == "random"
    assert broken.severity is Severity.RISK
    assert broken.provider.name == "python"


def test_the_project_installed_in_place_hides_nothing(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    write(tmp_path, {"src/demo/__init__.py": ""})
    install(
        site,
        "demo",
        "1.0",
        files={"demo.pth": f"{tmp_path / 'src'}\n"},
        extra_metadata={"direct_url.json": '{"url": "file:///p", "dir_info": {"editable": true}}'},
    )
    environment = read(tmp_path / "env")
    assert not link_shadows(environment, [tmp_path / "src" / "demo"], {"demo": ("a.py:1",)}).broken
