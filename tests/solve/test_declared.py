"""What the user's own files require, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchlink.solve.declared import Choice, declared, says_what_it_requires


def test_requirements_files_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("# more\nsix[x]>=1 ; python_version > '3'\n")
    (tmp_path / "requirements.txt").write_text(
        "-i https://index.example\n\ntorch==2.1.2 --hash=sha256:00 \\\n-r more.txt\nnot a requirement\n-e .\n"
    )
    found = declared([tmp_path / "requirements.txt"], ["numpy<2"])
    assert [(one.name, Path(one.file).name, one.line) for one in found] == [
        ("torch", "requirements.txt", 3),
        ("six", "more.txt", 2),
        ("numpy", "", 0),
    ]
    assert [one.exact for one in found] == [True, False, False]
    assert found[1].relaxed() == 'six[x] ; python_version > "3"'


def test_a_projects_dependencies(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = [\n  "torch>=2",\n]\n')
    (found,) = declared([tmp_path / "pyproject.toml"])
    assert (found.name, found.line) == ("torch", 4)


def test_a_projects_extras_and_groups(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        """[project]
name = "x"
dependencies = ["torch>=2"]
[project.optional-dependencies]
gpu = ["triton"]
all = ["X[GPU]", "six"]
[dependency-groups]
lint = ["ruff"]
dev = ["pytest", { include-group = "lint" }]
"""
    )
    path = tmp_path / "pyproject.toml"
    assert [one.name for one in declared([path])] == ["torch"]
    found = declared([path], choice=Choice(extras=("all",), groups=("dev",)))
    assert [(one.name, one.line) for one in found] == [
        ("torch", 3), ("six", 6), ("triton", 5), ("pytest", 9), ("ruff", 8),
    ]  # fmt: skip


def test_poetrys_own_table(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "pyproject.toml").write_text('[tool.poetry.dependencies]\nsix = "~1.16"\n')
    (tmp_path / "pyproject.toml").write_text(
        """[tool.poetry.dependencies]
python = "^3.10"
torch = "^2.3"
lib = { path = "lib" }
other = { git = "https://h.example/o.git" }
numpy = { version = "^1.26", python = "<3" }
"""
    )
    found = declared([tmp_path / "pyproject.toml"])
    assert [(one.written, str(one.requirement.specifier), one.line) for one in found] == [
        ("torch ^2.3", "<3,>=2.3", 3),
        ("six ~1.16", "<1.17,>=1.16", 2),
        ("numpy ^1.26", "<2,>=1.26", 6),
    ]
    assert [one.holds({"python_full_version": "3.11.7"}) for one in found] == [True, True, False]
    with_builds = declared([tmp_path / "pyproject.toml"], choice=Choice(builds=True))
    assert [one.name for one in with_builds] == ["torch", "lib", "other", "numpy"]


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r a.txt\nsix\n")
    assert 1 <= len(declared([tmp_path / "a.txt"])) < 20
    assert declared([tmp_path / "none.txt"]) == ()


@pytest.mark.parametrize("line", ["-e .", "--editable=.", "./", "-e ./", ".  # own"])
def test_a_project_that_is_installed_from_its_folder_says_what_it_requires(tmp_path: Path, line: str) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["torch>=2"]\n')
    (tmp_path / "requirements.txt").write_text(f"six\n{line}\n")
    found = declared([tmp_path / "requirements.txt", tmp_path / "pyproject.toml"])
    assert [(one.name, Path(one.file).name, one.line) for one in found] == [
        ("six", "requirements.txt", 1),
        ("torch", "pyproject.toml", 3),
    ]


def test_extras_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[project.optional-dependencies]\ngpu = ["triton"]\ndev = ["pytest"]\n'
    )
    (tmp_path / "requirements.txt").write_text("-e ./lib[gpu]\n-e ./none\n-e git+https://h.example/x.git\n")
    assert [one.name for one in declared([tmp_path / "requirements.txt"])] == ["triton"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[project]\nname = "x"\n', True),
        ('[project]\nname = "x"\ndynamic = ["version"]\n', True),
        ('[project]\nname = "x"\ndynamic = ["dependencies"]\n', False),
        ('[tool.poetry.dependencies]\nsix = "*"\n', True),
        ("[build-system]\nrequires = []\n", False),
        ("nonsense", False),
    ],
)
def test_whether_a_folder_says_what_it_requires(tmp_path: Path, text: str, says: bool) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert says_what_it_requires(tmp_path) is says
    assert not says_what_it_requires(tmp_path / "none")
