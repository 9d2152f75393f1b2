"""The switch, cut short at every file: whatever follows, the files are those of before or those of after."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scenarios.world import World
from torchlink.apply.moves import Moves, carry_back, carry_forward, plan_moves
from torchlink.read.environment import find, read_environment


class CutError(Exception):
    """Stands for a kill."""


def content(folder: Path) -> dict[str, tuple[int, bytes, int]]:
    """Every file with its inode, bytes and time; folders too."""
    found: dict[str, tuple[int, bytes, int]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            status = path.lstat()
            data = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(folder))] = (status.st_ino, data, status.st_mtime_ns)
        else:
            found[str(path.relative_to(folder))] = (0, b"", 0)
    return found


@pytest.fixture
def prepared(world: World, tmp_path: Path) -> tuple[Path, Moves, Path, Path]:
    """An environment with ``shelf`` 1, of which ``old`` goes, ``same`` changes and ``new`` comes."""
    world.install(
        "shelf", "1.0", {"shelf/__init__.py": "", "shelf/old.py": "1", "shelf/same.py": "1", "common/x.py": ""}
    )
    world.install("other", "1.0", {"other.py": "", "common/y.py": ""})
    (world.site / "common" / "x.py").chmod(0o600)
    (world.site / "shelf" / "unowned.txt").write_text("mine")
    (world.site / "shelf" / "__pycache__").mkdir()
    (world.site / "shelf" / "__pycache__" / "old.cpython-311.pyc").write_bytes(b"old")
    (world.site / "taken.py").write_text("a file that no distribution owns")
    staged = tmp_path / "staged"
    site = staged / world.site.relative_to(world.environment)
    for name in ("shelf/__init__.py", "shelf/same.py", "shelf/new/deep.py", "taken.py", "shelf-2.0.dist-info/METADATA"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("2")
    (staged / "bin").mkdir()
    (staged / "bin" / "shelf").write_text("#!")
    environment, _ = read_environment(find(None, world.python, os.environ), os.environ)
    moves = plan_moves(environment, {"shelf"}, staged)
    return world.environment, moves, staged, tmp_path / "saved"


def test_what_is_moved(prepared: tuple[Path, Moves, Path, Path]) -> None:
    prefix, moves, staged, saved = prepared
    carry_forward(prefix, moves, staged, saved)
    site = next(prefix.glob("lib/python*/site-packages"))
    assert sorted(path.name for path in (site / "shelf").iterdir()) == ["__init__.py", "new", "same.py", "unowned.txt"]
    assert (site / "taken.py").read_text() == "2" and (prefix / "bin" / "shelf").is_file()
    assert not (site / "common" / "x.py").exists() and (site / "common" / "y.py").exists()
    assert not (site / "shelf-1.0.dist-info").exists() and (site / "shelf-2.0.dist-info").is_dir()


def test_back_is_as_before_even_after_new_byte_code(prepared: tuple[Path, Moves, Path, Path]) -> None:
    prefix, moves, staged, saved = prepared
    before = content(prefix)
    carry_forward(prefix, moves, staged, saved)
    deep = next(prefix.glob("lib/python*/site-packages/shelf/new"))
    (deep / "__pycache__").mkdir()
    (deep / "__pycache__" / "deep.cpython-311.pyc").write_bytes(b"new")
    carry_back(prefix, moves, saved)
    assert content(prefix) == before


@pytest.mark.parametrize("end", ["forward", "back"])
def test_cut_short_at_any_file(
    prepared: tuple[Path, Moves, Path, Path], end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix, moves, staged, saved = prepared
    before, real = content(prefix), os.replace
    carry_forward(prefix, moves, staged, saved)
    after = content(prefix)
    files = {path: entry for path, entry in after.items() if entry[0]}
    carry_back_to_stage(prefix, moves, staged, saved)
    assert content(prefix) == before

    for cut in range(1, len(moves.out) + len(moves.into) + 1):
        with pytest.raises(CutError), monkeypatch.context() as patched:
            patched.setattr(os, "replace", cut_after(cut, real))
            carry_forward(prefix, moves, staged, saved)
        if end == "forward":
            carry_forward(prefix, moves, staged, saved)
            assert {path: entry for path, entry in content(prefix).items() if entry[0]} == files
            carry_back_to_stage(prefix, moves, staged, saved)
        else:
            keep_stage(prefix, moves, staged)
            for second in range(1, 4):
                with monkeypatch.context() as patched:
                    patched.setattr(os, "replace", cut_after(second, real))
                    try:
                        carry_back(prefix, moves, saved)
                    except CutError:
                        continue
            carry_back(prefix, moves, saved)
        assert content(prefix) == before


def cut_after(count: int, real: Callable[[str, str], None]) -> Callable[[str, str], None]:
    done = 0

    def replace(source: str, target: str) -> None:
        nonlocal done
        if done == count - 1:
            raise CutError
        real(source, target)
        done += 1

    return replace


def keep_stage(prefix: Path, moves: Moves, staged: Path) -> None:
    """Hold on to the new files that were moved in, to be able to begin again."""
    for path in moves.into:
        if not (staged / path).exists():
            (staged / path).write_bytes((prefix / path).read_bytes())


def carry_back_to_stage(prefix: Path, moves: Moves, staged: Path, saved: Path) -> None:
    for path in moves.into:
        (staged / path).parent.mkdir(parents=True, exist_ok=True)
        os.link(prefix / path, staged / path)
    carry_back(prefix, moves, saved)
