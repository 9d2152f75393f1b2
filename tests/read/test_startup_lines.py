"""Lines that put a folder on the search path when Python starts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchlink.read.startup_lines import PathEdit, path_edits

CUTLASS = "import sys, os, dsl; sys.path.insert(0, os.path.join(dsl.__path__[0], 'dsl_packages'))"


@pytest.mark.parametrize(
    ("line", "edits"),
    [
        (CUTLASS, [("/site/dsl/dsl_packages", True)]),
        ("import sys; sys.path.append('/opt/more')", [("/opt/more", False)]),
        (
            "import sys, os, x; d = os.path.dirname(os.path.abspath(x.__file__)); "
            "sys.path.append(os.path.join(d, 'lib'))",
            [("/site/x/lib", False)],
        ),
        ("import sys; sys.path.insert(1, str('/a')); sys.path.append('/b')", [("/a", True), ("/b", False)]),
        ("import x", []),
    ],
)
def test_what_is_followed(line: str, edits: list[tuple[str, bool]]) -> None:
    assert path_edits(line, "/site") == tuple(PathEdit(folder, first) for folder, first in edits)


@pytest.mark.parametrize(
    "line",
    [
        "import sys; sys.path.insert(0, folder)",
        "import sys; sys.path.insert(0, sys.prefix)",
        "import sys; sys.path.insert(2, '/a')",
        "import sys; sys.path[:0] = ['/a']",
        "import sys; sys.meta_path.append(x)",
        "import x; x.start()",
        "import sys; exec('sys.path.append(1)')",
        "import sys; sys.path.append(y.__path__[0])",
        "import sys; sys.path.append(",
        "import sys; [sys.path.append('/a')]",
    ],
)
def test_what_is_not(line: str) -> None:
    assert path_edits(line, "/site") is None


@given(st.text(alphabet="import sys;.path()[]0'\"ax_,= \n", max_size=60))
def test_any_line_has_an_answer(line: str) -> None:
    found = path_edits(line, "/site")
    assert found is None or all(isinstance(edit, PathEdit) for edit in found)
