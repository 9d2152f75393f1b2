"""Whatever a file holds: no reader raises, hangs or tells a place that is not there."""

from __future__ import annotations

import time
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchlink.model.errors import UnreadableError
from torchlink.read.pins.formats import format_of
from torchlink.read.pins.survey import read_document
from torchlink.read.pins.text import decode

FILES = (
    "pyproject.toml", "requirements.txt", "setup.cfg", "tox.ini", "setup.py", "pixi.toml", "Pipfile", "uv.lock",
    "Pipfile.lock", "Dockerfile", "Makefile", "install.sh", "install.bat", ".github/workflows/a.yml",
    "environment.yml", "a.ipynb", "a.py", "a.rs", "a.js", "README.md",
)  # fmt: skip
_TEXT = r"""pip install torch==2.3.1 numpy<2 -r --index-url $V ${V:-1} $( ` " ' \ [ ] { } ( ) , ; && || | > >> << EOF #
= == [project] dependencies [[package]] name version RUN ARG FROM if fi for do done case esac ``` run: - >- def import
vec![ r#" // /* */ % ! é"""
_WORDS = st.sampled_from([*_TEXT.split(), "\n", "\t", "\ufeff", "\x0b", '"""'])


def check(file: str, data: bytes) -> None:
    form = format_of(PurePosixPath(file))
    assert form is not None
    try:
        document = decode(file, data)
    except UnreadableError:
        return
    assert document.text.encode(document.encoding) == data
    found = read_document(document, form)
    for pin in found.pins if found else ():
        assert 0 <= pin.place.start <= pin.place.end <= len(document.text)
        for clause in pin.clauses:
            if clause.places:
                assert "+".join(document.text[one.start : one.end] for one in clause.places) == clause.version


@pytest.mark.parametrize("file", FILES)
@given(
    data=st.one_of(st.binary(max_size=300), st.lists(_WORDS, max_size=60).map(lambda words: " ".join(words).encode()))
)
@settings(max_examples=150, deadline=None)
def test_anything(file: str, data: bytes) -> None:
    check(file, data)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "unit",
    [
        "${",
        "$(",
        '"',
        "'",
        "`",
        "[",
        "{",
        "(",
        "a" * 50,
        " ",
        "\t",
        "/*",
        'r#"',
        "a = [",
        "- ",
        "\\\n",
        "<<E\n",
        "|",
        '\\"',
    ],
)
def test_repetition_takes_linear_time(file: str, unit: str) -> None:
    data = ("pip install torch==2.3.1 " + unit * (40_000 // len(unit)) + "\n").encode()
    began = time.process_time()
    check(file, data)
    assert time.process_time() - began < 4
