"""Which files a project has, and what its notebooks run."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.installs import write
from torchlink.model.errors import TorchlinkError
from torchlink.read.project import notebook_source, read_project


def notebook(*cells: str | list[str], kind: str = "code") -> bytes:
    return json.dumps({"cells": [{"cell_type": kind, "source": cell} for cell in cells]}).encode()


def test_source_files_and_notebooks_are_found(tmp_path: Path) -> None:
    wanted = ["main.py", "explore.ipynb", "package/__init__.py", "package/deep/er.py", "scripts/run.py"]
    others = [
        "notes.txt", ".hidden.py", ".git/hook.py", "build/lib/main.py", "node_modules/x.py", "old.egg-info/x.py",
        "my_env/lib/x.py", "conda_env/x.py", "package/__pycache__/x.py", "lib/python3.11/site-packages/x/__init__.py",
    ]  # fmt: skip
    write(tmp_path, dict.fromkeys([*wanted, *others, "my_env/pyvenv.cfg", "conda_env/conda-meta/history"], ""))
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    project = read_project(tmp_path)
    assert project.root == tmp_path.resolve()
    assert sorted(str(path.relative_to(tmp_path)) for path in project.sources) == sorted(wanted)


def test_a_single_file_is_a_project(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": "", "other.py": ""})
    project = read_project(tmp_path / "main.py")
    assert (project.root, project.sources) == (tmp_path.resolve(), ((tmp_path / "main.py").resolve(),))


def test_no_such_project_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(TorchlinkError) as caught:
        read_project(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value) and "\n" not in str(caught.value)


def test_the_cells_of_a_notebook_are_one_module() -> None:
    data = notebook(
        "%matplotlib inline\nimport torch\n!pip install x\n",
        ["import numpy as np\n", "x = (5\n", "     % 3)\n"],
        "%%bash\nimport nothing",
        "%%time\nimport kept",
        "for i in x:\n    !ls $i\nfiles = !ls\ny = %time f()\ntorch.nn?\n?torch\n",
    )
    tree = ast.parse(notebook_source(data))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert names == ["torch", "numpy"] + (["kept"] if "kept" in names else [])
    assert "kept" in names and "x = (5" in ast.unparse(tree).replace("x = 5 % 3", "x = (5")


def test_text_cells_do_not_run() -> None:
    assert notebook_source(notebook("import nothing", kind="markdown")) == b""


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b'{"cells": 1}', b"\xff\xfe", b"{" * 5000, b'{"cells": [', b"[" * 200_000,
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        notebook_source(data)


def test_odd_cells_are_left_out() -> None:
    cells = [
        None,
        1,
        {"cell_type": "code"},
        {"cell_type": "code", "source": 1},
        {"cell_type": "code", "source": [1, None]},
    ]
    assert notebook_source(json.dumps({"cells": cells}).encode()) == b"1None"
    assert b"?" in notebook_source(notebook("x = '\ud800'"))
