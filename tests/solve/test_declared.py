"""What the user's own files require, with its place."""

from __future__ import annotations

from pathlib import Path

from torchlink.solve.declared import declared


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


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r a.txt\nsix\n")
    assert 1 <= len(declared([tmp_path / "a.txt"])) < 20
    assert declared([tmp_path / "none.txt"]) == ()
