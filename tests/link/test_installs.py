"""How an environment was put together."""

from __future__ import annotations

from pathlib import Path

from tests.installs import install, make_venv, read, write
from torchlink.link.installs import link_installs
from torchlink.model.reference import Kind, Severity


def test_two_installs_in_one_folder(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    install(site, "torch", "2.1.2")
    install(site, "torch", "2.3.0")
    (broken,) = link_installs(read(tmp_path / "env")).broken
    assert broken.severity is Severity.RISK
    assert broken.culprits == ("install",)
    assert "as 2.1.2 and 2.3.0" in broken.cause


def test_two_metadata_folders_of_one_version_are_a_note(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    install(site, "demo", "1.0")
    write(site, {"demo-1.0.egg-info/PKG-INFO": "Name: demo\nVersion: 1.0\n"})
    (broken,) = link_installs(read(tmp_path / "env")).broken
    assert broken.severity is Severity.NOTE


def test_a_source_folders_own_metadata_is_no_second_install(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    write(tmp_path, {"src/demo/__init__.py": "", "src/demo.egg-info/PKG-INFO": "Name: demo\nVersion: 0.9\n"})
    install(site, "demo", "1.0", files={"demo.pth": f"{tmp_path / 'src'}\n"})
    assert not link_installs(read(tmp_path / "env")).broken


def test_copies(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    install(site, "demo", "1.0")
    install(tmp_path / "extra", "demo", "2.0")
    (broken,) = link_installs(read(tmp_path / "env", {"PYTHONPATH": str(tmp_path / "extra")})).broken
    assert broken.kind is Kind.IMPORT
    assert broken.severity is Severity.RISK
    assert (broken.needer.label, broken.provider.label) == ("demo 1.0", "demo 2.0")
    assert f"Python takes {tmp_path / 'extra/demo'} (on PYTHONPATH)" in broken.cause


def test_a_copy_behind_the_environments_own_is_a_note(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    install(site, "demo", "1.0")
    install(tmp_path / "src", "demo", "2.0")
    write(site, {"src.pth": f"{tmp_path / 'src'}\n"})
    (broken,) = link_installs(read(tmp_path / "env")).broken
    assert broken.severity is Severity.NOTE


def test_the_standard_library(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    install(site, "enum34", "1.1", files={"enum/__init__.py": ""})
    assert not link_installs(read(tmp_path / "env")).broken, "a backport comes after the standard library"
    write(tmp_path, {"extra/random.py": ""})
    (broken,) = link_installs(read(tmp_path / "env", {"PYTHONPATH": str(tmp_path / "extra")})).broken
    assert broken.severity is Severity.RISK
    assert "not the standard library's module" in broken.cause


def test_modules_without_metadata_are_a_note(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    write(site, {"stray/__init__.py": ""})
    (broken,) = link_installs(read(tmp_path / "env")).broken
    assert broken.severity is Severity.NOTE
    assert broken.needer.name == "stray"


def test_what_could_not_be_read_is_counted(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    install(site, "demo", "1.0", record=["demo/gone.py"])
    write(site, {"odd.pth": "import odd_thing\n"})
    undecided = link_installs(read(tmp_path / "env")).undecided
    assert [one.artifact for one in undecided] == ["demo 1.0", str(tmp_path / "env")]
    assert not any(one.reached for one in undecided)
