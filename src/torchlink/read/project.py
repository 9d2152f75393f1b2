"""The user's own source: which files a project has, and the code in its notebooks."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from torchlink.model.environment import Project
from torchlink.model.errors import TorchlinkError
from torchlink.read.syntax import parse

MAX_FILES = 20_000
CHECKPOINTS = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".joblib", ".safetensors")
"""How files are named that hold weights, or objects that were pickled. Their content decides what they are."""
_WEIGHTS = (".bin", ".safetensors")
_MODEL_CONFIGURATIONS = frozenset({"model_index.json", "adapter_config.json", "modules.json"})
"""A folder with one of these holds a model; one with ``config.json`` only if its weights lie beside it."""
MAX_NOTEBOOK_BYTES = 64 * 2**20
_CELL_MAGIC = re.compile(r"\s*%%(\w+)")
_MAGICS_OVER_PYTHON = frozenset({"time", "timeit", "capture", "prun"})
"""Cell magics that run the rest of their cell as it is."""
_ASSIGNED_MAGIC = re.compile(r"^(\s*[\w.,\[\] ]+=\s*)[!%].*")
_SKIPPED = frozenset(
    {
        "__pycache__", "node_modules", "site-packages", "build", "dist", "venv", "env", "conda",
        "tests", "test", "docs",
    }
)  # fmt: skip
"""Folders that are not looked into: what is built or installed, and what only a developer of the project runs."""


def read_project(path: Path) -> Project:
    """Find the Python files, notebooks and checkpoints of a project's folder, or take one file alone.

    Raises:
        TorchlinkError: there is no such file or folder.
    """
    if path.is_file():
        return Project(root=path.resolve().parent, sources=(path.resolve(),))
    if not path.is_dir():
        raise TorchlinkError("no such file or folder", where=str(path), mend="name the project's folder")
    root = path.resolve()
    sources: list[Path] = []
    checkpoints: list[Path] = []
    for folder, files in _folders(root):
        sources.extend(folder / name for name in files if name.endswith((".py", ".ipynb")) and not name.startswith("."))
        checkpoints.extend(_checkpoints(folder, files))
        if len(sources) > MAX_FILES:
            break
    from torchlink.read.pins.files import pin_paths

    return Project(
        root=root,
        sources=tuple(sorted(sources[:MAX_FILES])),
        checkpoints=tuple(sorted(checkpoints)),
        pinning=tuple(root / path for path in pin_paths(root)),
    )


def _folders(root: Path) -> Iterator[tuple[Path, list[str]]]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if _is_source_folder(Path(folder) / name))
        yield Path(folder), files


def _checkpoints(folder: Path, files: list[str]) -> Iterator[Path]:
    found = [folder / name for name in files if name.lower().endswith(CHECKPOINTS)]
    weights = any(path.suffix in _WEIGHTS for path in found)
    if _MODEL_CONFIGURATIONS.intersection(files) or ("config.json" in files and weights):
        yield folder
    yield from found[:MAX_FILES]


def _is_source_folder(path: Path) -> bool:
    if path.name.startswith(".") or path.name in _SKIPPED or path.name.endswith(".egg-info"):
        return False
    return not path.is_symlink() and not (path / "pyvenv.cfg").exists() and not (path / "conda-meta").is_dir()


def notebook_source(data: bytes) -> bytes:
    """The code cells of a notebook as one Python file; magics and shell lines become comments.

    Raises ValueError where it is no notebook.
    """
    return code_cells(data)[0]


def code_cells(data: bytes) -> tuple[bytes, tuple[int, ...]]:
    """The code cells of a notebook as one Python file, and for each cell how many lines of it come before.

    A cell without code has -1.

    Raises ValueError where it is no notebook.
    """
    if len(data) > MAX_NOTEBOOK_BYTES:
        raise ValueError("a notebook larger than 64 MB")
    document = json.loads(data)
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        raise ValueError("a notebook without cells")
    lines: list[str] = []
    before: list[int] = []
    for cell in cells:
        is_code = isinstance(cell, dict) and cell.get("cell_type") == "code"
        before.append(len(lines) if is_code else -1)
        if is_code:
            lines.extend(plain for _, plain in cell_lines(cell.get("source")))
    return "\n".join(lines).encode("utf-8", "replace"), tuple(before)


def cell_lines(source: object) -> Iterator[tuple[str, str]]:
    """The lines of a cell, each beside what stands for it in a Python file; none of a cell in another language."""
    if isinstance(source, list):
        source = "".join(map(str, source))
    if not isinstance(source, str):
        return
    magic = _CELL_MAGIC.match(source)
    if magic is not None and magic.group(1) not in _MAGICS_OVER_PYTHON:
        return
    # ``% b`` begins a line of plain Python as well: only a cell that is none is looked at line by line.
    plain = _is_python(source)
    yield from ((line, line if plain else _without_magic(line)) for line in source.split("\n"))


def _is_python(text: str) -> bool:
    try:
        parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _without_magic(line: str) -> str:
    stripped = line.strip()
    if stripped.startswith(("%", "!", "?")) or stripped.endswith("?"):
        # ``pass`` keeps a block whose only line it is.
        return line[: len(line) - len(line.lstrip())] + "pass"
    return _ASSIGNED_MAGIC.sub(r"\1None", line)
