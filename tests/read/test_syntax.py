"""Source that is written for a newer Python than the one that runs, parsed all the same."""

from __future__ import annotations

import ast
import contextlib
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchlink.read.python_source import parse_module
from torchlink.read.syntax import parse, without_type_syntax

SOURCE = """\
import numpy as np
type Plain = tuple[int, ...]
type _Shape[
    T: int,  # a comment
    *Ts,
] = tuple[
    T, *Ts
]
class Box[T, **P = ...](Base[T], flag=[1]):
    type Inner = T; other = 1
    def get[U: (int, str)](self, x: U) -> list[U]:
        return type(x)[0]
    async def wait[
        V,
    ](self) -> None: ...
type = 3
type in [1]
values[type] = type
"""


def test_type_statements_and_parameters_are_taken_out_line_by_line() -> None:
    found = without_type_syntax(SOURCE)
    assert found is not None
    text, names = found
    assert names == {(9, "Box"): ["T", "P"], (11, "get"): ["U"], (13, "wait"): ["V"]}
    tree = ast.parse(text)
    lines = {node.lineno: type(node).__name__ for node in tree.body}
    assert lines == {1: "Import", 2: "Assign", 3: "Assign", 9: "ClassDef", 16: "Assign", 17: "Expr", 18: "Assign"}
    assert text.count("\n") == SOURCE.count("\n")


@pytest.mark.parametrize("text", ["type = 1\n", "x[type] = 2\n", "if type: pass\n", "", "type (x)\n", "a = b[c]\n"])
def test_nothing_to_take_out(text: str) -> None:
    assert without_type_syntax(text) is None


def test_every_python_sees_the_same() -> None:
    """What 3.12 reads of the real syntax is what an older one reads of the rest."""
    block = parse_module("/x/box.py", SOURCE.encode()).block
    unknown = ("?", ())
    assert [node[:2] for node in block if node[0] == "assign"][:2] == [("assign", 2), ("assign", 3)]
    bound = [node[2][0][1] for node in block if node[0] == "assign" and node[2][0][0] == "n"]
    assert bound == ["Plain", "_Shape", "T", "P", "type"]
    parameters = [node for node in block if node[0] == "assign" and node[2][0][1] in ("T", "P")]
    assert all(node[3] == unknown for node in parameters)


def test_a_real_error_is_told_of_the_real_source() -> None:
    with pytest.raises(SyntaxError) as error:
        parse("type X = int\ndef f(:\n")
    assert error.value.lineno in (1, 2)
    with pytest.raises(SyntaxError):
        parse("x = (\n")


def test_an_encoding_that_is_declared() -> None:
    tree = parse("# -*- coding: latin-1 -*-\ntype X = str\ny = 'é'\n".encode("latin-1"))
    assert isinstance(tree.body[1], ast.Assign) and ast.literal_eval(tree.body[1].value) == "é"


@pytest.mark.skipif(sys.version_info < (3, 13), reason="its ast does not know the syntax")
def test_the_rewritten_binds_what_the_real_one_binds() -> None:
    found = without_type_syntax(SOURCE)
    assert found is not None
    ours, theirs = (
        {
            node.name: node.lineno
            for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        }
        for text in (found[0], SOURCE)
    )
    assert ours == theirs and len(ours) == 3


@given(st.text(alphabet="type class def X[]=():,*\n\t ;#'\"\\é", max_size=80))
@settings(max_examples=400, deadline=None)
def test_hostile_text_ends_in_a_tree_or_a_syntax_error(text: str) -> None:
    with contextlib.suppress(SyntaxError, ValueError):
        parse(text)
