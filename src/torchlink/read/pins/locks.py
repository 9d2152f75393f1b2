"""Lock files: ``uv.lock``, ``poetry.lock``, ``pdm.lock``, ``pylock.toml`` (PEP 751) and ``Pipfile.lock``.

They are read and never changed: only the tool that wrote one may.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from torchlink.model.pins import FileKind, Notation, Pin, Role
from torchlink.read.pins import json, toml
from torchlink.read.pins.entries import Entry, Path
from torchlink.read.pins.interface import Contents, Format, named
from torchlink.read.pins.requirement import read_ranged
from torchlink.read.pins.text import Piece


def read_toml(contents: Contents) -> None:
    """Read a lock file whose packages stand in ``[[package]]`` (uv, poetry, pdm) or ``[[packages]]`` (pylock)."""
    packages: dict[Path, dict[str, Entry]] = {}
    for entry in toml.strings(contents.document.whole):
        if entry.path[0] in ("package", "packages") and len(entry.path) == 3:
            packages.setdefault(entry.path[:2], {})[str(entry.path[2])] = entry
    if not packages and (problem := toml.problem(contents.document.whole.text)):
        contents.cannot_read(None, f"it is not valid TOML ({problem})")
    for values in packages.values():
        if "name" in values and "version" in values:
            contents.add(_locked(contents, values["name"].value.text, values["version"].value, ""))


def _locked(contents: Contents, name: str, version: Piece, context: str) -> Pin | None:
    wanted = version.part(2) if version.text.startswith("==") else version
    return read_ranged(contents.document, name, wanted, notation=Notation.EXACT, role=Role.LOCK, context=context)


def read_pipfile_lock(contents: Contents) -> None:
    """Read a ``Pipfile.lock``."""
    entries: Iterable[Entry] = json.strings(contents.document.whole)
    for entry in entries:
        match entry.path:
            case (str(category), str(name), "version") if category != "_meta":
                context = "" if category == "default" else f"category {category}"
                contents.add(_locked(contents, name, entry.value, context))
            case _:
                pass


def _is_pylock(path: PurePosixPath) -> bool:
    return path.name == "pylock.toml" or (path.name.startswith("pylock.") and path.suffix == ".toml")


FORMATS = (
    Format(name="uv.lock", kind=FileKind.LOCK, matches=named("uv.lock"), read=read_toml),
    Format(name="poetry.lock", kind=FileKind.LOCK, matches=named("poetry.lock"), read=read_toml),
    Format(name="pdm.lock", kind=FileKind.LOCK, matches=named("pdm.lock", "pdm.*.lock"), read=read_toml),
    Format(name="pylock.toml", kind=FileKind.LOCK, matches=_is_pylock, read=read_toml),
    Format(name="Pipfile.lock", kind=FileKind.LOCK, matches=named("Pipfile.lock"), read=read_pipfile_lock),
)
