"""Locks, with a resolver on paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from torchlink.catalog.cache import NullCache
from torchlink.catalog.wheels import Wheels
from torchlink.model.errors import TorchlinkError
from torchlink.pins.lock import lock
from torchlink.read.foreign import unseen
from torchlink.read.index_settings import IndexSettings
from torchlink.solve.means import Means
from torchlink.solve.uv import Resolved, Uv, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperUv(Uv):
    """Takes what it is asked for."""

    def resolve(self, wish: Wish) -> tuple[Resolved, ...]:
        names = [line.partition("=")[0].partition("<")[0] for line in wish.lines]
        names += [path.name.replace(".", "-") for path in wish.files]
        return tuple(Resolved(name=name, version="1.0") for name in names)

    def lock(self, wish: Wish) -> str:
        return "lock-version = '1.0'\n"


def means() -> Means:
    settings = IndexSettings()
    wheels = Wheels(settings, NullCache(), (), lambda *_: None)
    interpreter = unseen("3.11", "linux_x86_64")
    return Means(interpreter=interpreter, wheels=wheels, uv=PaperUv(program="", settings=settings))


def written(target: Path, output: Path) -> dict[str, str]:
    return {one.file: one.after.decode() for one in lock(target, output, means(), (), ()).changes}


def test_a_project_is_locked_by_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch\n", encoding="utf-8")
    assert written(tmp_path, tmp_path) == {
        "pylock.toml": "lock-version = '1.0'\n",
        "constraints.txt": "requirements-txt==1.0\n",
    }
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert written(tmp_path, tmp_path)["constraints.txt"] == "pyproject-toml==1.0\n"


def test_the_steps_of_a_script_are_locked_together(tmp_path: Path) -> None:
    script = "pip install 'numpy<2'\npip install -U torch==2.3.1\nconda install pandas\n"
    (tmp_path / "setup.sh").write_text(script, encoding="utf-8")
    assert written(tmp_path / "setup.sh", tmp_path)["constraints.txt"] == "numpy==1.0\ntorch==1.0\n"


def test_files_that_the_steps_name_are_locked_too(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("pandas\n", encoding="utf-8")
    (tmp_path / "limits.txt").write_text("numpy<2\n", encoding="utf-8")
    script = "pip install -r base.txt -c limits.txt\npip install torch==2.3.1\n"
    (tmp_path / "setup.sh").write_text(script, encoding="utf-8")
    assert written(tmp_path / "setup.sh", tmp_path)["constraints.txt"] == "base-txt==1.0\ntorch==1.0\n"


def test_what_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(TorchlinkError, match="none of pyproject"):
        written(tmp_path, tmp_path)
    (tmp_path / "notes.sh").write_text("echo hello\n", encoding="utf-8")
    with pytest.raises(TorchlinkError, match="installs nothing"):
        written(tmp_path / "notes.sh", tmp_path)
