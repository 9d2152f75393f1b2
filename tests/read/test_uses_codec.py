"""Uses come back from a cache as they went in."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from torchlink.model.uses import Call, Constant, FileUses, Form, Items, Name, Needle, Part, Use
from torchlink.read.uses import UseFiles, read_uses
from torchlink.read.uses_codec import pack, unpack

_SOURCES = [Path(str(module.__file__)) for module in (ast, json, json.decoder)]


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: path.name)
def test_every_use_of_a_real_file_comes_back(path: Path) -> None:
    facts = read_uses(str(path), path.stem, path.read_bytes())
    assert facts.uses
    assert unpack(pack(facts)) == facts


def test_constants_keep_their_types() -> None:
    values = tuple(Constant(one) for one in (1, True, 1.0, 1j, b"x", "x", None, "\ud800", 2**80))
    use = Use(form=Form.CALL, value=Call(Name("f"), values, (("k", Items(values)),), (), 3, 4), line=3, column=4)
    facts = FileUses(path="p", module="m", uses=(use, use), exports={"x": use.value}, stars=("a",), cells=(-1, 2))
    found = unpack(pack(facts))
    assert repr(found) == repr(facts)
    assert found.uses[0] is found.uses[1]


def test_what_nests_too_deep_is_not_packed() -> None:
    value: Name | Part = Name("f")
    for _ in range(5_000):
        value = Part(value, Constant("x"), attribute=True)
    use = Use(form=Form.NAME, value=value, line=1, column=1)
    with pytest.raises((ValueError, RecursionError)):
        pack(FileUses(path="p", module="m", uses=(use,)))


class Kept:
    """Remembers under kind and path."""

    def __init__(self) -> None:
        self.store: dict[tuple[str, str], bytes] = {}

    def known(self, kind: str, path: str) -> bytes | None:
        return self.store.get((kind, path))

    def keep(self, kind: str, path: str, pack: Callable[[], bytes]) -> None:
        self.store[kind, path] = pack()


def test_a_file_is_read_once_where_uses_are_kept() -> None:
    read: list[str] = []

    def source(path: str) -> bytes:
        read.append(path)
        return b"import torch\ntorch.load('x')\n"

    keeper = Kept()
    first = UseFiles(source, keeper).uses("/a.py", "a")
    assert UseFiles(source, keeper).uses("/a.py", "a") == first
    assert read == ["/a.py"]
    assert UseFiles(source, keeper).uses("/a.py", "b").module == "b"


def test_what_a_file_mentions_is_asked_once_of_the_same_needles() -> None:
    read: list[str] = []

    def source(path: str) -> bytes:
        read.append(path)
        return b"import torch\ntorch.load('x')\n"

    keeper, load, save = Kept(), Needle(frozenset({"torch.load"})), Needle(frozenset({"torch.save"}))
    for _ in range(2):
        assert UseFiles(source, keeper).mentions("/a.py", (load, save))
        assert not UseFiles(source, keeper).mentions("/a.py", (save,))
    assert read == ["/a.py", "/a.py"]
