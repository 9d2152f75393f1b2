"""The user's own source: which files a project has, and the code in its notebooks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from torchlink.model.environment import Project
from torchlink.model.errors import TorchlinkError

MAX_FILES = 20_000
MAX_NOTEBOOK_BYTES = 64 * 2**20
_SKIPPED = frozenset(
    {
        "__pycache__", "node_modules", "site-packages", "build", "dist", "venv", "env", "conda",
        "tests", "test", "docs",
    }
)  # fmt: skip
"""Folders that are not looked into: what is built or installed, and what only a developer of the project runs."""


def read_project(path: Path) -> Project:
    """Find the Python files and notebooks of a project's folder, or take one file alone.

    Raises:
        TorchlinkError: there is no such file or folder.
    """
    if path.is_file():
        return Project(root=path.resolve().parent, sources=(path.resolve(),))
    if not path.is_dir():
        raise TorchlinkError("no such file or folder", where=str(path), mend="name the project's folder")
    root = path.resolve()
    return Project(root=root, sources=tuple(sorted(_sources(root))))


def _sources(root: Path) -> Iterator[Path]:
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if _is_source_folder(Path(folder) / name))
        for name in files:
            if name.endswith((".py", ".ipynb")) and not name.startswith("."):
                count += 1
                if count > MAX_FILES:
                    return
                yield Path(folder) / name


def _is_source_folder(path: Path) -> bool:
    if path.name.startswith(".") or path.name in _SKIPPED or path.name.endswith(".egg-info"):
        return False
    return not path.is_symlink() and not (path / "pyvenv.cfg").exists() and not (path / "conda-meta").is_dir()


def notebook_source(data: bytes) -> bytes:
    """The code cells of a notebook as one Python file; magics and shell lines become comments.

    Raises ValueError where it is no notebook.
    """
    if len(data) > MAX_NOTEBOOK_BYTES:
        raise ValueError("a notebook larger than 64 MB")
    document = json.loads(data)
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        raise ValueError("a notebook without cells")
    lines: list[str] = []
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            lines.extend(_cell_lines(cell.get("source")))
    return "\n".join(lines).encode("utf-8", "replace")


def _cell_lines(source: object) -> Iterator[str]:
    text = "".join(map(str, source)) if isinstance(source, list) else source
    if not isinstance(text, str) or text.lstrip().startswith("%%"):
        return
    for line in text.splitlines():
        stripped = line.lstrip()
        if stripped.startswith(("%", "!", "?")) or stripped.endswith("?"):
            # ``pass`` keeps a block whose only line it is.
            yield line[: len(line) - len(stripped)] + "pass"
        else:
            yield line
