# ruff: noqa: E501 - a table of fragments
"""Random programs: no exception, an answer in time, and no break where Python finds none."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import packaging
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.link.importing.paper import Paper, make
from tests.link.importing.programs import checks

SECONDS = 2.0
SEEDS = max(40, int(8 * float(os.environ.get("TORCHLINK_FUZZ_SECONDS", "2"))))

VALUES = (
    "1", "'a'", "'2.5.1'", "(1, 2)", "[1, 'b', None]", "{'k': 1}", "{1, 2}", "None", "x", "y", "f", "f()", "f(x, y=1)", "C", "C()", "C().m()",
    "C.z", "shelf", "shelf.book", "shelf.gone", "shelf.deep", "shelf.__version__", "shelf.pages['a']", "len(x)", "str(y)", "x.split('.')",
    "[i for i in x]", "{i: j for i, j in y}", "(i for i in x if i)", "lambda a=x: a", "x if y else f", "x and y", "not x", "x < y", "x is None",
    "x in y", "x + y", "x * 3", "x % y", "f'{x}{y!r:>5}'", "getattr(shelf, 'gone', None)", "hasattr(shelf, x)", "x[0]", "x['k']", "x[1:]",
    "sys.version_info >= (3, 8)", "sys.platform", "os.environ.get('X')", "globals()", "dir(shelf)", "map(str, x)", "sorted(x)", "tuple(x)",
    "isinstance(x, str)", "(z := y)", "*x,", "dict(x)", "importlib.import_module('shelf.deep')", "__import__('shelf')", "type(x)",
    "functools.partial(f, x)", "re.match(r'(\\d+)', x)", "x.append(1)", "x.update(y)", "super()", "...", "-x", "x @ y", "x ** 99",
)  # fmt: skip
SIMPLE = (
    "x = {v}", "y = {v}", "x, y = {v}", "x, *y = {v}", "x += {v}", "x.z = {v}", "x[0] = {v}", "{v}", "import shelf", "import shelf.deep as y",
    "from shelf import *", "from shelf import book as x", "from shelf import gone", "import nothing", "from . import x", "del x", "del shelf.book",
    "raise {v}", "raise ImportError({v})", "assert {v}", "pass", "break", "continue", "return {v}", "yield {v}", "global x", "x: int = {v}",
    "globals()['x'] = {v}", "setattr(shelf, 'x', {v})", "sys.modules['shelf'] = {v}", "__all__ = {v}", "exec('x = 1')", "print({v})",
)  # fmt: skip
HEADS = (
    "if {v}:", "while {v}:", "for x in {v}:", "for x, y in {v}:", "with {v} as x:", "def f(x={v}, *y, z=1, **k):", "class C({v}):", "class C:",
    "def __getattr__(x):", "async def f():", "@f\n{i}def f(*y):", "@functools.wraps(f)\n{i}def f(*y, **k):", "class C:\n{i}    def m(self):",
    "if TYPE_CHECKING:", "with contextlib.suppress(Exception):", "match {v}:\n{i}  case x:",
)  # fmt: skip
PROLOGUE = (
    "import contextlib, functools, importlib, os, re, sys\nfrom typing import TYPE_CHECKING\nimport shelf\n"
    "x, y = [1, 2], 'a.b'\ndef f(*a, **k):\n    return a\nclass C:\n    z = 1\n    def m(self):\n        return shelf\n"
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    return PROLOGUE + "".join(_block(draw, "", 0))


def _block(draw: st.DrawFn, indent: str, depth: int) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 5))):
        value = draw(st.sampled_from(VALUES))
        kind = draw(st.integers(0, 3 if depth < 3 else 1))
        if kind < 2:
            lines.append(indent + draw(st.sampled_from(SIMPLE)).format(v=value) + "\n")
        elif kind == 2:
            head = draw(st.sampled_from(HEADS)).format(v=value, i=indent)
            inner = indent + ("        " if "def m" in head or "case" in head else "    ")
            lines += [f"{indent}{head}\n", *_block(draw, inner, depth + 1)]
        else:
            caught = draw(st.sampled_from(("ImportError", "AttributeError", "Exception", "(KeyError, TypeError)", "x")))
            lines += [f"{indent}try:\n", *_block(draw, indent + "    ", depth + 1)]
            lines += [f"{indent}except {caught} as y:\n", *_block(draw, indent + "    ", depth + 1)]
    return lines


def world(folder: str) -> Paper:
    paper = make(Path(folder))
    shelf = "__version__ = '2.5.1'\nbook = 1\npages = {'a': 1}\ndef __dir__():\n    return ['book']\n"
    paper.lay({"shelf/__init__.py": shelf, "shelf/deep.py": "page = 1\n"})
    return paper


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_random_programs_are_answered_in_time(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paper = world(folder)
        paper.lay({"a.py": text})
        paper.source("import a\n")
        began = time.process_time()
        paper.link()
        assert time.process_time() - began < SECONDS


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(programs().filter(lambda text: "while" not in text))
def test_no_break_where_python_finds_none(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paper = world(folder)
        paper.lay({"a.py": text})
        paper.source("import a\n")
        if paper.truth() == "":
            assert paper.link().targets == []


@pytest.mark.parametrize("first", range(0, SEEDS, 40))
def test_what_is_known_is_what_python_computes(first: int, paper: Paper) -> None:
    """``TORCHLINK_FUZZ_SECONDS`` makes it longer, as the other fuzz."""
    shutil.copytree(Path(packaging.__file__).parent, paper.site / "packaging")
    programs = {
        f"p{seed}_{number}.py": text for seed in range(first, first + 40) for number, text in enumerate(checks(seed))
    }
    assert len(programs) > 100
    paper.source(programs)
    wrong = [broken.chain[0].partition(":")[0] for broken in paper.link().breaks]
    assert not wrong, programs[wrong[0]]
