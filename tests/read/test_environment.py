"""Finding an environment and reading it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.installs import install, make_venv, read, write
from torchlink.model.errors import TorchlinkError
from torchlink.read.environment import environment_of, find, survey


def test_where_an_environment_is_looked_for(tmp_path: Path) -> None:
    project, active, conda = tmp_path / "project", tmp_path / "active", tmp_path / "conda"
    project.mkdir()
    make_venv(active)
    write(conda, {"conda-meta/history": "", "bin/python": ""})
    variables = {"VIRTUAL_ENV": str(active), "CONDA_PREFIX": str(conda)}
    assert find(project, None, {"CONDA_PREFIX": str(conda)}) == conda / "bin" / "python"
    assert find(project, None, variables) == active / "bin" / "python"
    make_venv(project / ".venv")
    assert find(project, None, variables) == project / ".venv" / "bin" / "python"
    assert find(project, active, variables) == active / "bin" / "python"
    assert find(None, conda / "bin" / "python", variables) == conda / "bin" / "python"


def test_nothing_found_says_where_and_how(tmp_path: Path) -> None:
    with pytest.raises(TorchlinkError) as error:
        find(tmp_path, None, {"VIRTUAL_ENV": str(tmp_path / "gone")})
    text = str(error.value)
    assert str(tmp_path / ".venv") in text
    assert "$VIRTUAL_ENV" in text
    assert "$CONDA_PREFIX" in text
    assert "--python" in text


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TorchlinkError, match="no such file or folder"):
        find(None, tmp_path / "absent", {})


def test_a_folder_that_is_no_environment(tmp_path: Path) -> None:
    with pytest.raises(TorchlinkError, match="is no Python environment"):
        read(tmp_path)


def test_a_file_that_is_no_interpreter(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(TorchlinkError, match="does not run"):
        read(tmp_path / "notes.txt")


def test_what_is_read(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    install(site, "demo", "1.0")
    environment = read(tmp_path / "env")
    assert environment.prefix == str(tmp_path / "env")
    demo = environment.distribution("demo")
    assert demo is not None
    assert demo.label == "demo 1.0"
    assert environment.distribution("absent") is None
    assert not environment.problems


def test_the_digest_follows_the_environment_and_the_path(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    install(site, "demo", "1.0")
    write(tmp_path, {"extra/x.py": ""})
    target = find(None, tmp_path / "env", {})
    before = survey(target, {})
    assert survey(target, {}).digest() == before.digest()
    assert survey(target, {"PYTHONPATH": str(tmp_path / "extra")}).digest() != before.digest()
    write(site, {"demo/__init__.py": "patched"})
    assert survey(target, {}).digest() != before.digest()


def test_an_environment_that_changes_while_it_is_read(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    install(site, "demo", "1.0")
    install(site, "other", "1.0")
    surveyed = survey(find(None, tmp_path / "env", {}), {})
    shutil.rmtree(site / "demo-1.0.dist-info")
    environment = environment_of(surveyed)
    demo = environment.distribution("demo")
    assert demo is not None
    assert demo.problems
    assert environment.distribution("other")


def test_copies_and_shadowed_standard_modules(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    write(site, {"demo/__init__.py": "", "space/a.py": "", "typing.py": ""})
    write(tmp_path, {"extra/demo.py": "", "extra/space/b.py": "", "extra/random.py": ""})
    environment = read(tmp_path / "env", {"PYTHONPATH": str(tmp_path / "extra")})
    copies = {one.name: one.paths for one in environment.copies}
    assert set(copies) == {"demo", "random", "typing"}
    assert copies["demo"] == (str(tmp_path / "extra/demo.py"), str(site / "demo"))
    assert copies["random"][0] == str(tmp_path / "extra/random.py")
    assert copies["typing"][1] == str(site / "typing.py")
