"""``environment.yml`` of conda, with its ``pip:`` section."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from torchlink.model.errors import UnreadableError
from torchlink.model.pins import FileKind
from torchlink.read.pins import yaml
from torchlink.read.pins.commands import read_conda
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.requirements_txt import read_lines

_HINT = re.compile(rb"^dependencies:", re.MULTILINE)


def _matches(path: PurePosixPath) -> bool:
    if path.suffix.lower() not in (".yml", ".yaml") or path.parts[0].startswith("."):
        return False
    stem = path.stem.lower()
    return "environment" in stem or "conda" in stem or stem in ("env", "meta") or stem.startswith("env_")


def read(contents: Contents) -> None:
    """Read a conda environment; a YAML file without ``dependencies`` says nothing."""
    try:
        entries = yaml.strings(contents.document.whole, where=contents.document.file)
    except UnreadableError as error:
        contents.cannot_read(None, error.what)
        return
    for entry in entries:
        match entry.path:
            case ("dependencies", int()):
                contents.add(read_conda(contents.document, entry.value))
            case ("dependencies", int(), "pip", int()):
                read_lines(contents, entry.value)
            case _:
                pass


FORMAT = Format(
    name="environment.yml",
    kind=FileKind.MANIFEST,
    matches=_matches,
    read=read,
    hint=_HINT,
)
