"""What changes so that every pin admits one version."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from torchlink.model.errors import TorchlinkError
from torchlink.pins import write as writing
from torchlink.pins.rewrite import rewriting
from torchlink.pins.write import changes, diff, write
from torchlink.read.pins.survey import read_pins


def rewritten(root: Path, files: dict[str, str], versions: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """The files that change, and why what is left is."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    found = rewriting(read_pins(root), versions)
    made = {one.file: one.after.decode() for one in changes(root, found.edits)}
    return made, [one.reason for one in found.left]


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("requirements.txt", "torch == 2.2.0  # x\r\n", "torch == 2.3.1  # x\r\n"),
        ("requirements.txt", "torch>=2.2\n", None),
        ("requirements.txt", "torch>=2.0,<2.3\n", "torch>=2.0,<2.4\n"),
        ("requirements.txt", "torch >= 2.0, < 2.3\n", "torch >= 2.0, < 2.4\n"),
        ("requirements.txt", "torch>=2.0 , <2.3\n", "torch>=2.0 , <2.4\n"),
        ("environment.yml", "dependencies:\n  - pytorch >=2.0, <2.3\n", "dependencies:\n  - pytorch >=2.0, <2.4\n"),
        ("requirements.txt", "torch>=2.4\n", "torch>=2.3\n"),
        ("requirements.txt", "torch~=2.2.0\n", "torch~=2.3.1\n"),
        ("requirements.txt", "torch==2.2.*\n", "torch==2.3.*\n"),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\ntorch = "^1.13"\n',
            '[tool.poetry.dependencies]\ntorch = "^2.3"\n',
        ),
        (
            "pyproject.toml",
            "[project]\ndependencies = ['torch==2.2.0']\n",
            "[project]\ndependencies = ['torch==2.3.1']\n",
        ),
        ("environment.yml", "dependencies:\n  - pytorch=2.2\n", "dependencies:\n  - pytorch=2.3\n"),
        ("a.sh", "V=2.2.0\npip install torch==$V\n", "V=2.3.1\npip install torch==$V\n"),
        ("a.py", "P = ['torch==2.2.0', 'numpy']\n", "P = ['torch==2.3.1', 'numpy']\n"),
        ("a.rs", 'let a = vec!["pip", "install", "torch==2.2.0"];', 'let a = vec!["pip", "install", "torch==2.3.1"];'),
        ("Makefile", "TORCH_VERSION = 2.2.0\n", None),
        ("uv.lock", '[[package]]\nname = "torch"\nversion = "2.2.0"\n', None),
        ("README.md", "`torch==2.2.0`\n", None),
    ],
)
def test_only_the_version_changes(tmp_path: Path, file: str, before: str, after: str | None) -> None:
    made, left = rewritten(tmp_path, {file: before}, {"torch": "2.3.1"})
    assert made == ({file: after} if after else {})
    assert left == []


def test_tags_and_indexes_move_with_torch(tmp_path: Path) -> None:
    text = (
        'V=2.2.0\nif [ "$GPU" = amd ]; then\n'
        "  pip install torch==$V+cu118 -i https://download.pytorch.org/whl/cu118\n"
        'elif [ "$GPU" = cpu ]; then\n'
        "  pip install torch==2.2.0+cpu -i https://download.pytorch.org/whl/cpu\nfi\n"
    )
    made, _ = rewritten(tmp_path, {"a.sh": text}, {"torch": "2.3.1+rocm5.7"})
    assert made["a.sh"] == text.replace("2.2.0", "2.3.1").replace("cu118", "rocm5.7")


def test_conda_has_no_tags(tmp_path: Path) -> None:
    made, _ = rewritten(tmp_path, {"environment.yml": "dependencies:\n  - pytorch=2.2.0\n"}, {"torch": "2.3.1+cu121"})
    assert made["environment.yml"].endswith("pytorch=2.3.1\n")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("torch==2.2.0 --hash=sha256:00", "hashes"),
        ("torch @ https://example.org/torch-2.2.0.whl", "an address"),
        ("torch!=2.3.1", "in the way"),
        ("torch<2.3,!=2.3.1", "in the way"),
    ],
)
def test_what_is_left(tmp_path: Path, line: str, reason: str) -> None:
    made, left = rewritten(tmp_path, {"requirements.txt": f"{line}\n"}, {"torch": "2.3.1"})
    assert made == {}
    assert len(left) == 1
    assert reason in left[0]


def project(root: Path) -> list[writing.Change]:
    (root / "requirements.txt").write_text("torch==2.2.0\n", encoding="utf-8")
    (root / "setup.sh").write_text("pip install torch==2.2.0\n", encoding="utf-8")
    (root / "setup.sh").chmod(0o755)
    return changes(root, rewriting(read_pins(root), {"torch": "2.3.1"}).edits)


def test_files_keep_their_mode_and_nothing_else_is_left(tmp_path: Path) -> None:
    write(project(tmp_path))
    assert (tmp_path / "setup.sh").read_text(encoding="utf-8") == "pip install torch==2.3.1\n"
    assert (tmp_path / "setup.sh").stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in tmp_path.iterdir()) == ["requirements.txt", "setup.sh"]


@pytest.mark.parametrize("fails_at", [1, 2])
def test_all_files_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int) -> None:
    found = project(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    replace = Path.replace
    calls: list[Path] = []

    def failing(self: Path, target: str | os.PathLike[str]) -> Path:
        calls.append(self)
        if len(calls) == fails_at:
            raise OSError(28, "No space left on device", str(self))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(TorchlinkError, match="nothing was changed"):
        write(found)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    found = project(tmp_path)
    (tmp_path / "setup.sh").write_text("pip install torch==1.0\n", encoding="utf-8")
    with pytest.raises(TorchlinkError, match="changed meanwhile"):
        write(found)
    assert (tmp_path / "requirements.txt").read_text(encoding="utf-8") == "torch==2.2.0\n"


def test_a_diff_of_a_file_without_a_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch==2.2.0", encoding="utf-8")
    shown = diff(changes(tmp_path, rewriting(read_pins(tmp_path), {"torch": "2.3.1"}).edits))
    assert shown.endswith("+torch==2.3.1\n\\ No newline at end of file\n")
