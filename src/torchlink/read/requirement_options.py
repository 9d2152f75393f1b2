"""The options in requirements files that bear on what is resolved: other indexes, folders of wheels, constraints."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import read_bounded
from torchlink.read.pins import requirements_txt
from torchlink.read.pins.interface import Contents
from torchlink.read.pins.text import decode

MAX_BYTES = 4 * 2**20
MOST_FILES = 64
_LINES = frozenset({".txt", ".in", ".pip"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementOptions:
    """What requirements files say beside requirements, those that they name with ``-r`` included."""

    index: str = ""
    """In place of the default index; empty where none is named."""
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    constraints: tuple[Path, ...] = ()
    """The files of ``-c``."""


def requirement_options(files: Iterable[Path]) -> RequirementOptions:
    """Read the options of requirements files; a file that cannot be read has none."""
    pending = [path for path in files if path.suffix in _LINES]
    seen: set[Path] = set()
    found: list[tuple[Path, Contents]] = []
    constraints: list[Path] = []
    while pending and len(seen) < MOST_FILES:
        path = pending.pop(0).absolute()
        read = None if path in seen else _read(path)
        seen.add(path)
        if read is None:
            continue
        found.append((path.parent, read))
        for one in read.includes:
            (constraints if one.constraint else pending).append(path.parent / one.path)
    links = (_beside(folder, link) for folder, read in found for link in read.find_links)
    return RequirementOptions(
        index=next(iter(_known(read.index for _, read in found)), ""),
        extra=_known(url for _, read in found for url in read.extra_indexes),
        find_links=_known(links),
        constraints=tuple(dict.fromkeys(constraints)),
    )


def _read(path: Path) -> Contents | None:
    try:
        contents = Contents(document=decode(path.name, read_bounded(path, MAX_BYTES)))
    except UnreadableError:
        return None
    requirements_txt.FORMAT.read(contents)
    return contents


def _known(addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses without those that hold a variable: uv fills it in, and it may be a password."""
    return tuple(dict.fromkeys(one for one in addresses if one and "$" not in one))


def _beside(folder: Path, link: str) -> str:
    """A folder of wheels, as pip looks for it: beside the file, else from where the user stands."""
    beside = os.path.normpath(folder / link)
    return beside if "://" not in link and os.path.exists(beside) else link  # noqa: PTH110 -- a string is wanted
