"""The files of a project that may pin a version, by their names alone: no reader is imported to find them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MAX_FILES = 50_000
_SKIPPED = frozenset(
    {
        "__pycache__",
        "node_modules",
        "site-packages",
        "venv",
        "env",
        "build",
        "dist",
        "target",
        ".git",
        ".hg",
        ".svn",
        ".tox",
        ".nox",
        ".venv",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".eggs",
        ".idea",
        ".vscode",
        "third_party",
    }
)
_SUFFIXES = frozenset(
    [
        ".toml",
        ".txt",
        ".in",
        ".pip",
        ".cfg",
        ".ini",
        ".py",
        ".lock",
        ".yml",
        ".yaml",
        ".sh",
        ".bash",
        ".zsh",
        ".sbatch",
        ".slurm",
        ".envrc",
        ".env",
        ".mk",
        ".mak",
        ".bat",
        ".cmd",
        ".ps1",
        ".ipynb",
        ".rs",
        ".js",
        ".mjs",
        ".cjs",
        ".ts",
        ".tsx",
        ".jsx",
        ".go",
        ".cs",
        ".java",
        ".kt",
        ".swift",
        ".rb",
        ".php",
        ".dart",
        ".cpp",
        ".cc",
        ".md",
        ".markdown",
        ".mdx",
        ".rst",
        ".dockerfile",
        ".containerfile",
    ]
)
_STEMS = ("dockerfile", "containerfile", "makefile", "gnumakefile", "justfile", "pipfile", ".env")


def may_pin(path: PurePosixPath) -> bool:
    """Whether a file of this name may be of a kind that pins are read from; its kind itself says more."""
    return path.suffix.lower() in _SUFFIXES or path.name.lower().startswith(_STEMS)


def pin_paths(root: Path) -> list[PurePosixPath]:
    """The files below a folder that may pin a version, relative to it, sorted."""
    return sorted(path for path in _files(root) if may_pin(path))


def _files(root: Path) -> Iterator[PurePosixPath]:
    count = 0
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if _is_looked_into(here / name))
        for name in names:
            count += 1
            if count > MAX_FILES:
                return
            yield PurePosixPath((here / name).relative_to(root).as_posix())


def _is_looked_into(path: Path) -> bool:
    if path.name in _SKIPPED or path.name.endswith(".egg-info") or path.is_symlink():
        return False
    return not (path / "pyvenv.cfg").exists() and not (path / "conda-meta").is_dir()
