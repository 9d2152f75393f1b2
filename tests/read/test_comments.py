"""Comments that set findings aside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from torchlink.model.configuration import Ignore
from torchlink.model.environment import Project
from torchlink.model.errors import TorchlinkError
from torchlink.read.comments import read_ignores

CODES = frozenset({"behaviour", "symbol", "torch-load-default"})


def ignores(folder: Path, source: str, name: str = "train.py") -> dict[int, Ignore]:
    path = folder / name
    path.write_text(source)
    found = read_ignores(Project(root=folder, sources=(path,)), CODES)
    return {line: one for (_, line), one in found.items()}


def test_a_comment_speaks_for_its_line(tmp_path: Path) -> None:
    source = "import torch\ntorch.load(p)  # torchlink: ignore[behaviour, symbol] our own file\n"
    wanted = Ignore(codes=frozenset({"behaviour", "symbol"}), reason="our own file")
    assert ignores(tmp_path, source) == {2: wanted}


def test_a_comment_that_stands_alone_speaks_for_what_follows(tmp_path: Path) -> None:
    source = "# torchlink: ignore[torch-load-default] ours\n\n# more\ntorch.load(p)\n"
    assert list(ignores(tmp_path, source)) == [4]


def test_a_comment_in_a_notebook(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": "import torch\ntorch.load(p)  # torchlink: ignore[behaviour] ours"}]
    assert list(ignores(tmp_path, json.dumps({"cells": cells}), "a.ipynb")) == [2]


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("# torchlink: ignore[behaviour]", "gives no reason"),
        ("# torchlink: ignore[nothing] because", "no code 'nothing'"),
        ("# torchlink: ignore because", "ignores nothing"),
        ("# torchlink: ignore[] because", "ignores nothing"),
    ],
)
def test_a_comment_that_is_not_whole_is_refused(tmp_path: Path, comment: str, said: str) -> None:
    with pytest.raises(TorchlinkError, match=said) as raised:
        ignores(tmp_path, f"import torch  {comment}\n")
    assert "train.py:1" in str(raised.value)
