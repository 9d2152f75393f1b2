"""Poetry's tables, told as PEP 508 has them."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from torchlink.model.errors import UnreadableError
from torchlink.read.poetry import PoetryProject, read_poetry


def project(folder: Path, text: str) -> PoetryProject:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    found = read_poetry(folder / "pyproject.toml")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("written", "requirement"),
    [
        ('"^2.3"', "torch>=2.3,<3"),
        ('"~2.3.1"', "torch>=2.3.1,<2.4"),
        ('"2.3.1"', "torch==2.3.1"),
        ('"2.*"', "torch==2.*"),
        ('"*"', "torch"),
        ('{ version = "^2", source = "pypi" }', "torch>=2,<3"),
        ('">=2.1 <2.4"', "torch>=2.1,<2.4"),
        ('"^1.26 || ^2.0"', "torch>=1.26,<3"),
        ('{ version = "^2", extras = ["Opt"] }', "torch[opt]>=2,<3"),
        ('{ version = "2", python = "^3" }', 'torch==2 ; python_full_version >= "3" and python_full_version < "4"'),
        (
            '{ version = "2.1", python = "<3.9 || >=3.12", platform = "linux" }',
            'torch==2.1 ; (python_full_version < "3.9" or python_full_version >= "3.12") and sys_platform == "linux"',
        ),
        ('{ version = "2.1", platform = "!=win32" }', 'torch==2.1 ; sys_platform != "win32"'),
        (
            '{ version = "2.1", markers = "platform_machine == \'x86_64\'" }',
            'torch==2.1 ; platform_machine == "x86_64"',
        ),
        ('{ git = "https://h.example/t.git", tag = "v2" }', "torch @ git+https://h.example/t.git@v2"),
        ('{ git = "git@h.example:a/t.git", subdirectory = "x" }', "torch @ git+ssh://git@h.example/a/t.git#subdirectory=x"),
        ('{ url = "https://h.example/torch-2-py3-none-any.whl" }', "torch @ https://h.example/torch-2-py3-none-any.whl"),
    ],
)  # fmt: skip
def test_every_form(tmp_path: Path, written: str, requirement: str) -> None:
    (one,) = project(tmp_path, f'[tool.poetry.dependencies]\npython = "^3.10"\ntorch = {written}\n').chosen()
    assert str(Requirement(one.requirement)) == str(Requirement(requirement))
    assert (one.line, one.unsaid) == (3, "")


@pytest.mark.parametrize(
    ("written", "requirement", "unsaid"),
    [
        ('{ version = "^2", source = "cpu" }', "torch>=2,<3", "the source 'cpu' is not asked"),
        ('{ version = "^2", allow-prereleases = true }', "torch>=2,<3", "pre-releases are not taken"),
        ('"~1.9 || ^2.3"', "torch>=2.3,<3", "of '~1.9 || ^2.3' it is told >=2.3,<3"),
        ('{ version = "^2", markers = "nonsense" }', "torch>=2,<3", "markers 'nonsense' is not understood"),
    ],
)
def test_what_cannot_be_said_is_told(tmp_path: Path, written: str, requirement: str, unsaid: str) -> None:
    (one,) = project(tmp_path, f"[tool.poetry.dependencies]\ntorch = {written}\n").chosen()
    assert (one.requirement, one.unsaid) == (requirement, unsaid)


def test_several_constraints_and_folders(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    found = project(
        tmp_path,
        """[tool.poetry.dependencies]
python = ">=3.9,<3.13"
numpy = [
    { version = "^1.26", python = "<3.12" },
    { version = "^2", python = ">=3.12" },
]
lib = { path = "lib", develop = true }
[tool.poetry.dependencies.torch]
optional = true
version = "^2"
""",
    )
    assert [(one.name, one.line) for one in found.chosen()] == [("numpy", 4), ("numpy", 5), ("lib", 7)]
    assert found.chosen()[2].folder == (tmp_path / "lib").resolve()
    assert found.python == ">=3.9,<3.13"


def test_a_local_build_is_told_by_its_public_version(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        """[tool.poetry.dependencies]
torch = { version = "2.5.1+cu124", source = "cu124" }
vision = "==0.20.1+cu124"
audio = ">=2.2.0+cpu"
[[tool.poetry.source]]
name = "PyPI"
[[tool.poetry.source]]
name = "house"
url = "https://h.example"
[[tool.poetry.source]]
name = "cu124"
url = "https://t.example"
priority = "explicit"
""",
    )
    assert [(one.requirement, one.build) for one in found.chosen()] == [
        ("torch==2.5.1", "2.5.1+cu124"), ("vision==0.20.1", "0.20.1+cu124"), ("audio>=2.2.0", ""),
    ]  # fmt: skip
    assert found.sources == ("house",)


def test_extras_and_groups(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        """[tool.poetry.dependencies]
torch = { version = "^2", optional = true }
six = "*"
[tool.poetry.extras]
GPU = ["Torch"]
[tool.poetry.dev-dependencies]
pytest = "*"
[tool.poetry.group.docs.dependencies]
sphinx = "*"
""",
    )
    assert [one.name for one in found.chosen()] == ["six"]
    assert [one.name for one in found.chosen(["gpu"], ["dev", "Docs"])] == ["torch", "six", "pytest", "sphinx"]
    with pytest.raises(UnreadableError, match="has no group 'none'") as told:
        found.chosen((), ["none"])
    assert told.value.mend == "it has dev, docs, gpu"


def test_what_stands_in_the_standard_tables_is_not_poetrys(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        """[project]
name = "x"
dependencies = ["six"]
[tool.poetry.dependencies]
six = { source = "x" }
[tool.poetry.group.dev.dependencies]
pytest = "*"
""",
    )
    assert not found.is_main
    assert [one.name for one in found.chosen(["any"], ["dev"])] == ["pytest"]


NONE = ("", "[project]\nname = 'x'\n", "[tool.poetry]\nname = 'x'\n", "not toml", "[tool]\npoetry = 1\n")


@pytest.mark.parametrize("text", NONE)
def test_without_such_tables_there_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert read_poetry(tmp_path / "pyproject.toml") is None
    assert read_poetry(tmp_path / "requirements.txt") is None
