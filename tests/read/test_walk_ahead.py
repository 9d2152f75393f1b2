"""Another process walks; whatever becomes of it, the tree is the same."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import pytest

from tests.installs import write
from torchlink.read import second_process, walk_ahead
from torchlink.read import walk as walk_module
from torchlink.read.tree import Tree
from torchlink.read.walk import Root, Walk, walk_roots

forks = pytest.mark.skipif(not second_process.is_possible(), reason="nothing is walked ahead")


@pytest.fixture
def roots(tmp_path: Path) -> list[Root]:
    write(
        tmp_path / "site",
        {
            "a/__init__.py": "12345",
            "a/deep/y.so.1": "",
            "a/x.h": "",
            "b.libs/z": "",
            "c-1.dist-info/RECORD": "",
            "d/\udcff.py": "1",
        },
    )
    (tmp_path / "site" / "twin").symlink_to("a")
    with zipfile.ZipFile(tmp_path / "e.egg", "w") as archive:
        archive.writestr("pkg/__init__.py", "12")
    return [Root(str(tmp_path / "site")), Root(str(tmp_path / "e.egg")), Root(str(tmp_path / "absent"), loose=True)]


def facts(tree: Tree) -> tuple[object, ...]:
    (site, archive, _) = tree._walk.roots
    files = sorted((*tree.files_below(site), *tree.files_below(archive)))
    stamps = [tree.files(path.rpartition("/")[0])[path.rpartition("/")[2]] for path in files]
    return tree.digest(), tree.complete, tree.problems, tree.native_libraries(), files, stamps, tree.folders(site)


def test_it_sees_what_this_process_sees(roots: list[Root]) -> None:
    expected = facts(Tree(roots))
    ahead = Tree.ahead(roots)
    assert ahead.digest() == expected[0]
    assert facts(ahead) == expected
    assert facts(Tree.ahead(roots)) == expected


def test_bounds_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk_module, "MAX_DEPTH", 1)
    write(tmp_path, {"a/b/c/x.py": ""})
    tree = Tree.ahead([Root(str(tmp_path))])
    assert not tree.complete
    assert "the walk stopped" in tree.problems[0]


@forks
@pytest.mark.parametrize("end", ["error", "killed"])
def test_where_the_other_process_dies_this_one_walks(
    end: str, roots: list[Root], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    expected, here = facts(Tree(roots)), os.getpid()

    def dies(asked: tuple[Root, ...]) -> Walk:
        if os.getpid() == here:
            return walk_roots(asked)
        if end == "error":
            raise MemoryError
        os.kill(os.getpid(), 9)
        raise AssertionError

    monkeypatch.setattr(walk_ahead, "walk_roots", dies)
    assert facts(Tree.ahead(roots)) == expected
    assert capfd.readouterr().err == ""


@forks
def test_a_process_that_does_not_end_is_ended(roots: list[Root], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk_ahead, "walk_roots", lambda _roots: time.sleep(1000))
    began = time.monotonic()
    Tree.ahead(roots).stop()
    assert time.monotonic() - began < 5


@forks
def test_no_process_and_no_file_is_left(roots: list[Root]) -> None:
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        Tree.ahead(roots).native_libraries()
        Tree.ahead(roots).stop()
        tree = Tree.ahead(roots)
        tree.digest()
        tree.stop()
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_without_another_process(roots: list[Root], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert facts(Tree.ahead(roots)) == facts(Tree(roots))
