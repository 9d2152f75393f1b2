"""The walk over an environment's files."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from tests.installs import write
from torchlink.read import walk as walk_module
from torchlink.read.tree import Tree
from torchlink.read.walk import UNSTAMPED, Root


def walk(*roots: Path, loose: bool = False) -> Tree:
    return Tree(Root(str(root), loose) for root in roots)


def test_listings(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a/__init__.py": "12345",
            "a/x.h": "",
            "a/__pycache__/x.pyc": "",
            "a/deep/y.so.1": "",
            "a.libs/z": "",
            "b.py": "",
        },
    )
    tree = walk(tmp_path)
    assert tree.folders(str(tmp_path)) == {"a", "a.libs"}
    assert set(tree.files(str(tmp_path))) == {"b.py"}
    assert set(tree.files(str(tmp_path / "a"))) == {"__init__.py", "x.h"}
    size, when = tree.files(str(tmp_path / "a"))["__init__.py"]
    assert (size, when) == (5, (tmp_path / "a/__init__.py").stat().st_mtime_ns)
    assert tree.files(str(tmp_path / "a"))["x.h"] == UNSTAMPED
    assert tree.native_libraries() == (str(tmp_path / "a.libs/z"), str(tmp_path / "a/deep/y.so.1"))
    assert tree.has_file(str(tmp_path / "b.py"))
    assert not tree.has_file(str(tmp_path / "c.py"))
    assert sorted(tree.files_below(str(tmp_path / "a")))[0] == str(tmp_path / "a/__init__.py")


def test_folders_outside_the_walk_are_listed_on_demand(tmp_path: Path) -> None:
    write(tmp_path, {"site/a.py": "", "other/b.py": "1"})
    tree = walk(tmp_path / "site")
    assert tree.files(str(tmp_path / "other"))["b.py"][0] == 1
    assert tree.files(str(tmp_path / "absent")) == {}
    assert tree.folders("\0") == frozenset()


def change(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a" / "__init__.py"
    match kind:
        case "patched in place, same size":
            path.write_text("y")
            os.utime(path, ns=(1, 1))
        case "longer":
            status = path.stat()
            path.write_text("xx")
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        case "added":
            write(tmp_path, {"a/new.py": ""})
        case "removed":
            (tmp_path / "a" / "other.py").unlink()
        case "a header added":
            write(tmp_path, {"a/new.h": ""})


@pytest.mark.parametrize("kind", ["patched in place, same size", "longer", "added", "removed", "a header added"])
def test_every_change_is_seen(tmp_path: Path, kind: str) -> None:
    write(tmp_path, {"a/__init__.py": "x", "a/other.py": "", "b/__init__.py": ""})
    before = walk(tmp_path)
    change(tmp_path, kind)
    after = walk(tmp_path)
    assert before.digest() != after.digest()
    assert before.digest_of([str(tmp_path / "a")]) != after.digest_of([str(tmp_path / "a")])
    assert before.digest_of([str(tmp_path / "b")]) == after.digest_of([str(tmp_path / "b")])


def test_compiled_files_do_not_count(tmp_path: Path) -> None:
    write(tmp_path, {"a/__init__.py": "x"})
    before = walk(tmp_path).digest()
    write(tmp_path, {"a/__pycache__/x.pyc": "x", "a/y.pyc": "x"})
    assert walk(tmp_path).digest() == before


def test_a_single_file_has_a_digest(tmp_path: Path) -> None:
    write(tmp_path, {"six.py": "x"})
    before = walk(tmp_path).digest_of([str(tmp_path / "six.py")])
    write(tmp_path, {"six.py": "xx"})
    assert walk(tmp_path).digest_of([str(tmp_path / "six.py")]) != before


def test_links(tmp_path: Path) -> None:
    write(tmp_path, {"site/a/x.py": "", "store/b/y.py": "", "store/z.py": ""})
    site = tmp_path / "site"
    (site / "a" / "up").symlink_to("..")
    (site / "a" / "self").symlink_to(".")
    (site / "twin").symlink_to("a")
    (site / "b").symlink_to(tmp_path / "store" / "b")
    (site / "z.py").symlink_to(tmp_path / "store" / "z.py")
    (site / "dangling.py").symlink_to("nowhere")
    (site / "loop").symlink_to("loop")
    tree = walk(site)
    assert list(tree.files_below(str(site / "b"))) == [str(site / "b/y.py")]
    assert "z.py" in tree.files(str(site))
    assert "dangling.py" not in tree.files(str(site))
    assert "twin" in tree.folders(str(site))
    assert set(tree.files(str(site / "twin"))) == {"x.py"}, "listed when it is asked for"
    assert tree.complete


def test_links_that_lead_to_each_other_end(tmp_path: Path) -> None:
    write(tmp_path, {"site/x.py": "", "one/x.py": "", "two/x.py": ""})
    (tmp_path / "site" / "one").symlink_to(tmp_path / "one")
    (tmp_path / "one" / "two").symlink_to(tmp_path / "two")
    (tmp_path / "two" / "one").symlink_to(tmp_path / "one")
    tree = walk(tmp_path / "site")
    assert len(list(tree.files_below(str(tmp_path / "site")))) < 200


def test_a_loose_root_is_entered_only_where_it_can_be_imported(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pkg/x.py": "",
            ".git/x.py": "",
            ".venv/lib/x.py": "",
            "node_modules/x.py": "",
            "some-data/x.py": "",
            "pkg.libs/x": "",
            "pkg.egg-info/PKG-INFO": "",
        },
    )
    tree = walk(tmp_path, loose=True)
    walked = {path.removeprefix(str(tmp_path)) for path in tree.files_below(str(tmp_path))}
    assert walked == {"/pkg/x.py", "/pkg.libs/x", "/pkg.egg-info/PKG-INFO"}


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk_module, "MAX_LOOSE_ENTRIES", 5)
    write(tmp_path, {f"p{number}/x.py": "" for number in range(20)})
    tree = walk(tmp_path, loose=True)
    assert not tree.complete
    assert len(tree.problems) == 1
    deep = tmp_path / "deep"
    write(deep, {"/".join(["d"] * 60) + "/x.py": ""})
    assert not walk(deep).complete


def test_archives(tmp_path: Path) -> None:
    path = tmp_path / "a.egg"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pkg/deep/__init__.py", "12")
        archive.writestr("../escape.py", "")
        archive.writestr("single.py", "")
    tree = walk(path)
    assert tree.folders(str(path)) == {"pkg"}
    assert set(tree.files(str(path))) == {"single.py"}
    assert tree.files(f"{path}/pkg/deep")["__init__.py"][0] == 2
    assert tree.files(f"{path}/absent") == {}
    assert list(tree.files_below(f"{path}/pkg")) == [f"{path}/pkg/deep/__init__.py"]


def test_an_unreadable_folder_is_a_problem(tmp_path: Path) -> None:
    tree = walk(tmp_path / "absent")
    assert "cannot be listed" in tree.problems[0]


def test_two_walks_agree(tmp_path: Path) -> None:
    write(tmp_path, {f"p{number}/m{other}.py": "" for number in range(9) for other in range(9)})
    assert walk(tmp_path).digest() == walk(tmp_path).digest()
