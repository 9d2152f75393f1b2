"""Builds the exam's environments one after the other, with the exam's own script."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def in_building_order(exam: Path, wanted: Iterable[str]) -> tuple[str, ...]:
    """Environments that share most of their wheels stand side by side, so that uv's cache helps."""
    definitions = json.loads((exam / "environments.json").read_text(encoding="utf-8"))
    return tuple(sorted(set(wanted), key=lambda name: (definitions[name]["base"], name)))


def frozen(exam: Path, folder: Path, name: str) -> tuple[str, ...]:
    """The options that name an environment by its pins alone: nothing of it is built."""
    definition = json.loads((exam / "environments.json").read_text(encoding="utf-8"))[name]
    pins = folder / f"{name}.txt"
    pins.write_text("".join(map(_pin, definition["packages"].items())), encoding="utf-8")
    return "--frozen", str(pins), "--python-version", definition["python"].rpartition(".")[0]


def _pin(item: tuple[str, str]) -> str:
    name, version = item
    return f"{name} @ {version}\n" if version.startswith(("http", "git", "file")) else f"{name}=={version}\n"


@contextmanager
def environment(exam: Path, folder: Path, name: str, *, keep: bool) -> Iterator[Path]:
    """An environment of the exam in a folder: the one that is there, or one that is built now.

    Args:
        exam: The exam's folder.
        folder: Where environments stand, each under its own id.
        name: The environment's id.
        keep: Whether one that is built here stays. One that was there always stays.

    Raises:
        subprocess.CalledProcessError: It could not be built.
    """
    place = folder / name
    if (place / "bin" / "python").exists():
        yield place
        return
    script = exam / "build_environment.py"
    try:
        subprocess.run([sys.executable, "-B", str(script), name, str(place)], check=True)
        yield place
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
