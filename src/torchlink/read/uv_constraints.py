"""The constraints and overrides that a project gives to uv: what ``torchlink pins hold`` writes is among them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import read_bounded

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LARGEST = 10_000_000
_KEYS = ("constraint-dependencies", "override-dependencies")


def uv_constraints(folder: Path) -> dict[str, tuple[str, ...]]:
    """The lists by their keys, of ``uv.toml`` or of ``pyproject.toml``, in the folder or the nearest one above it.

    Empty where there are none, and where the file cannot be read: uv itself says so.
    """
    for place in (folder, *folder.parents):
        for name, tables in (("uv.toml", ()), ("pyproject.toml", ("tool", "uv"))):
            if (place / name).is_file():
                return _lists(place / name, tables)
    return {}


def _lists(path: Path, tables: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    try:
        document = tomllib.loads(read_bounded(path, _LARGEST).decode("utf-8"))
    except (UnreadableError, ValueError, RecursionError):
        return {}
    table: Mapping[str, object] = document
    for key in tables:
        inner = table.get(key)
        table = inner if isinstance(inner, dict) else {}
    found: dict[str, tuple[str, ...]] = {}
    for key in _KEYS:
        lines = table.get(key)
        if isinstance(lines, list) and lines and all(isinstance(line, str) for line in lines):
            found[key] = tuple(lines)
    return found
