"""``sys.path``, compared with what the interpreter itself makes of the same folders."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.installs import make_venv, read, write
from torchlink.model.environment import PathOrigin


def real_path(prefix: Path, variables: Mapping[str, str], cwd: Path) -> list[str]:
    """``sys.path`` of a real run, without the script's folder and what does not exist."""
    program = "import json, os, sys; print(json.dumps([p for p in sys.path[1:] if os.path.exists(p)]))"
    environment = {"HOME": str(prefix), **variables}
    output = subprocess.run(
        [prefix / "bin" / "python", "-c", program], env=environment, cwd=cwd, check=True, capture_output=True
    ).stdout
    paths: list[str] = json.loads(output)
    return [os.path.normpath(path) for path in paths]


def ours(prefix: Path, variables: Mapping[str, str]) -> list[str]:
    return [entry.path for entry in read(prefix, variables).search_path]


def test_a_plain_environment(tmp_path: Path) -> None:
    make_venv(tmp_path / "env")
    assert ours(tmp_path / "env", {}) == real_path(tmp_path / "env", {}, tmp_path)


def test_pth_files(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    write(
        site,
        {
            "b.pth": "# a comment\n\nsub/deep\n../outside  \nabsent\nsub/deep\n",
            "a.pth": f"{tmp_path / 'elsewhere'}\r\nimport os\n",
            "utf8.pth": "\ufeffz\u00e4h\n",
            "not-a-pth.txt": "sub\n",
            "sub/deep/x.py": "",
            "zäh/x.py": "",
            "../outside/x.py": "",
        },
    )
    write(tmp_path, {"elsewhere/y.py": ""})
    found = ours(tmp_path / "env", {})
    real = real_path(tmp_path / "env", {"PYTHONUTF8": "1"}, tmp_path)
    assert [path for path in found if "zäh" not in path] == [path for path in real if "zäh" not in path]
    assert str(site / "zäh") in found


def test_pythonpath_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_venv(tmp_path / "env")
    write(tmp_path, {"one/x.py": "", "cwd/two/y.py": ""})
    monkeypatch.chdir(tmp_path / "cwd")
    variables = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "one"), "two", str(tmp_path / "absent")])}
    found = ours(tmp_path / "env", variables)
    assert found == real_path(tmp_path / "env", variables, tmp_path / "cwd")
    assert read(tmp_path / "env", variables).search_path[0].origin is PathOrigin.PYTHONPATH


@pytest.mark.parametrize("system_site", [True, False])
@pytest.mark.parametrize("variables", [{}, {"PYTHONNOUSERSITE": "1"}, {"PYTHONUSERBASE": "user"}])
def test_user_and_system_site(tmp_path: Path, system_site: bool, variables: Mapping[str, str]) -> None:
    prefix = tmp_path / "env"
    site = make_venv(prefix, system_site=system_site)
    variables = {name: str(tmp_path / value) if value == "user" else value for name, value in variables.items()}
    version = site.parent.name
    for base in (prefix / ".local", tmp_path / "user"):
        write(base, {f"lib/{version}/site-packages/mine.py": "", f"lib/{version}/site-packages/m.pth": "extra\n"})
        write(base, {f"lib/{version}/site-packages/extra/deep.py": ""})
    assert ours(prefix, variables) == real_path(prefix, variables, tmp_path)


def test_easy_install_moves_eggs_to_the_front(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    write(
        site,
        {
            "easy-install.pth": "import sys; sys.__plen = len(sys.path)\n./one.egg\n./two.egg\n"
            "import sys; new=sys.path[sys.__plen:]; del sys.path[sys.__plen:]; p=getattr(sys,'__egginsert',0);"
            " sys.path[p:p]=new; sys.__egginsert = p+len(new)\n",
            "one.egg/one.py": "",
            "two.egg/two.py": "",
        },
    )
    environment = read(tmp_path / "env")
    assert [entry.path for entry in environment.search_path][:2] == [str(site / "one.egg"), str(site / "two.egg")]
    assert not environment.problems


def test_code_at_start_up_that_is_not_known_is_a_problem(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    write(
        site,
        {
            "odd.pth": "import sys; sys.path.insert(0, sys.prefix)\n",
            "known.pth": "import sys, os, box; sys.path.insert(0, os.path.join(box.__path__[0], 'inner'))\n",
            "box/inner/deep.py": "",
            "_virtualenv.pth": "import _virtualenv\n",
            "distutils-precedence.pth": "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, "
            "'local') == 'local'; enabled and __import__('_distutils_hack').add_shim(); \n",
            "sitecustomize.py": "import sys\nsys.path.append('/x')\n",
        },
    )
    environment = read(tmp_path / "env")
    assert environment.search_path[0].path == str(site / "box/inner")
    problems = environment.problems
    assert len(problems) == 2
    assert "odd.pth: runs code at start-up" in problems[0]
    assert "sitecustomize.py: changes the import system" in problems[1]


def test_odd_pth_files_are_no_error(tmp_path: Path) -> None:
    site = make_venv(tmp_path / "env")
    write(site, {"latin.pth": b"caf\xe9\n", "caf\xe9/x.py": ""})
    write(site, {"nul.pth": b"a\0b\n", "long.pth": b"x" * 100_000, "many.pth": b"absent\n" * 30_000})
    (site / "folder.pth").mkdir()
    (site / "loop.pth").symlink_to("loop.pth")
    os.mkfifo(site / "pipe.pth")
    environment = read(tmp_path / "env")
    assert environment.search_path[-1].path == str(site / "caf\xe9")
    problems = environment.problems
    assert any("pipe.pth: not a regular file" in problem for problem in problems)
    assert any("many.pth: more than" in problem for problem in problems)
