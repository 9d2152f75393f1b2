"""The switch, cut short at every step: whatever follows, the files are those of before or those of after."""

from __future__ import annotations

import errno
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.world import World
from torchlink.apply.moves import Moves, carry_back, carry_forward, make_room, plan_moves, whole_folders
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


@dataclass(frozen=True, slots=True)
class Switch:
    """An environment, what is to come, and what that moves."""

    folder: Path
    moves: Moves

    @property
    def prefix(self) -> Path:
        return self.folder / "environment"

    @property
    def staged(self) -> Path:
        return self.folder / "staged"

    @property
    def saved(self) -> Path:
        return self.folder / "saved"

    @property
    def site(self) -> Path:
        return next(self.prefix.glob("lib/python*/site-packages"))

    def whole(self) -> list[str]:
        start = len(str(self.site.relative_to(self.prefix))) + 1
        return [folder[start:] for folder in whole_folders(str(self.prefix), self.moves)]

    def forward(self) -> None:
        carry_forward(self.prefix, self.moves, self.staged, self.saved)

    def back(self) -> None:
        carry_back(self.prefix, self.moves, self.saved)

    def copy(self, folder: Path) -> Switch:
        """The same once more."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder, symlinks=True)
        return replace(self, folder=folder)

    def files(self) -> dict[str, tuple[bytes, int]]:
        return {path: (data, time) for path, (_, data, time) in content(self.prefix).items()}


OLD = {
    "shelf/__init__.py": "",
    "shelf/old.py": "1",
    "shelf/same.py": "1",
    "rack/__init__.py": "1",
    "rack/same.py": "1",
    "rack/old/deep/a.py": "1",
    "rack/old/b.txt": "1",
    "common/x.py": "",
    "turn": "a file that becomes a folder",
    "back/a.py": "a folder that becomes a file",
}
NEW = (
    "shelf/__init__.py",
    "shelf/same.py",
    "shelf/new/deep.py",
    "rack/__init__.py",
    "rack/same.py",
    "rack/new/c.py",
    "taken.py",
    "turn/a.py",
    "back",
    "shelf-2.0.dist-info/METADATA",
)


@pytest.fixture
def switch(world: World, tmp_path: Path) -> Switch:
    """An environment with ``shelf`` 1, of which ``old`` goes, ``same`` changes and ``new`` comes."""
    world.install("shelf", "1.0", OLD)
    world.install("other", "1.0", {"other.py": "", "common/y.py": ""})
    (world.site / "common" / "x.py").chmod(0o600)
    (world.site / "shelf" / "unowned.txt").write_text("mine")
    (world.site / "rack" / "link").symlink_to("same.py")
    record = world.site / "shelf-1.0.dist-info" / "RECORD"
    record.write_text(f"{record.read_text()}rack/link,,\n")
    for folder in ("shelf", "rack/old/deep"):
        (world.site / folder / "__pycache__").mkdir()
    (world.site / "shelf" / "__pycache__" / "old.cpython-311.pyc").write_bytes(b"old")
    (world.site / "rack" / "old" / "deep" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"old")
    (world.site / "taken.py").write_text("a file that no distribution owns")
    staged = tmp_path / "staged"
    site = staged / world.site.relative_to(world.environment)
    for name in NEW:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("2")
    (staged / "bin").mkdir()
    (staged / "bin" / "shelf").write_text("#!")
    for name in ("rack/new/empty", "shelf/empty"):
        (site / name).mkdir()
    environment, _ = read_environment(find(None, world.python, os.environ), os.environ)
    (tmp_path / "saved").mkdir()
    return Switch(tmp_path, plan_moves(environment, {"shelf"}, staged))


def test_what_is_moved(switch: Switch) -> None:
    switch.forward()
    site = switch.site
    assert sorted(path.name for path in (site / "shelf").iterdir()) == [
        "__init__.py",
        "empty",
        "new",
        "same.py",
        "unowned.txt",
    ]
    assert sorted(path.name for path in (site / "rack").iterdir()) == ["__init__.py", "new", "same.py"]
    assert (site / "taken.py").read_text() == "2" and (switch.prefix / "bin" / "shelf").is_file()
    assert not (site / "common" / "x.py").exists() and (site / "common" / "y.py").exists()
    assert not (site / "shelf-1.0.dist-info").exists() and (site / "shelf-2.0.dist-info").is_dir()
    assert (site / "turn" / "a.py").is_file() and (site / "back").is_file()


def test_a_folder_is_moved_as_it_is_where_all_of_it_goes(switch: Switch) -> None:
    assert switch.whole() == ["back", "rack", "shelf-1.0.dist-info", "shelf/__pycache__"]
    (switch.site / "rack" / "old" / "mine.txt").write_text("mine")
    (switch.site / "back" / "empty").mkdir()
    assert switch.whole() == ["rack/old/deep", "shelf-1.0.dist-info", "shelf/__pycache__"]


def test_back_is_as_before_even_after_new_byte_code(switch: Switch) -> None:
    before = content(switch.prefix)
    rack = (switch.site / "rack").stat()
    switch.forward()
    for folder, name in (("shelf/new", "deep"), ("rack", "same")):
        (switch.site / folder / "__pycache__").mkdir()
        (switch.site / folder / "__pycache__" / f"{name}.cpython-311.pyc").write_bytes(b"new")
    switch.back()
    assert content(switch.prefix) == before
    assert (switch.site / "rack").stat().st_ino == rack.st_ino


def test_what_came_since_stays(switch: Switch) -> None:
    before = content(switch.prefix)
    switch.forward()
    (switch.site / "rack" / "mine.txt").write_text("mine")
    switch.back()
    mine = str((switch.site / "rack" / "mine.txt").relative_to(switch.prefix))
    after = content(switch.prefix)
    assert after.pop(mine)[1] == b"mine" and after == before


def test_the_folders_that_are_needed_are_made_before(switch: Switch, monkeypatch: pytest.MonkeyPatch) -> None:
    make_room(switch.prefix, switch.moves, switch.saved)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "mkdir", lambda path, mode=0o777: full() if not os.path.isdir(path) else None)
    switch_out = [path for path in switch.moves.out if not os.path.lexists(switch.saved / path)]
    with suppress(OSError):
        switch.forward()
    assert switch_out and all(os.path.lexists(switch.saved / path) for path in switch_out)


STEPS = ("replace", "unlink", "rmdir", "mkdir")


@contextmanager
def cut_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Die before the step of this number that changes a folder; yields the steps that were taken."""
    done: list[str] = []

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def act(*words: Any, **more: Any) -> Any:
            if len(done) == step:
                raise CutError
            done.append(real.__name__)
            return real(*words, **more)

        return act

    with monkeypatch.context() as patched:
        for name in STEPS:
            patched.setattr(os, name, counted(getattr(os, name)))
        with suppress(CutError):
            yield done


def steps(act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> int:
    with cut_at(10**6, monkeypatch) as done:
        act()
    return len(done)


def by_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that moves no folders."""
    real = os.replace

    def replaced(source: Any, target: Any) -> None:
        if os.path.isdir(source) and not os.path.islink(source):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(os, "replace", replaced)
    if accessor := vars(pathlib).get("_NormalAccessor"):  # pathlib of Python 3.10 keeps what it found when it began
        monkeypatch.setattr(accessor, "replace", staticmethod(replaced))


@pytest.mark.parametrize("folders_move", [True, False])
@pytest.mark.parametrize("end", ["forward", "back", "back after all"])
def test_cut_short_at_any_step(
    switch: Switch, end: str, folders_move: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not folders_move:
        by_file(monkeypatch)
    pristine = switch.copy(tmp_path.parent / f"{tmp_path.name}-pristine")
    place = tmp_path.parent / f"{tmp_path.name}-try"
    before = pristine.files()
    trial = pristine.copy(place)
    forward = steps(trial.forward, monkeypatch)
    after, back = trial.files(), steps(trial.back, monkeypatch)
    assert trial.files() == before and back > 5 and forward > (10 if folders_move else 25)
    cuts = (
        [(forward, second) for second in range(back)]
        if end == "back after all"
        else [(first, first * 7 % back) for first in range(forward)]
    )
    for first, second in cuts:
        trial = pristine.copy(place)
        with cut_at(first, monkeypatch):
            trial.forward()
        act = trial.forward if end == "forward" else trial.back
        with cut_at(second, monkeypatch):
            act()
        act()
        assert trial.files() == (after if end == "forward" else before), (first, second)
