"""The top-level modules that a source distribution would most likely install."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable

from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import read_bounded
from torchlink.read.http import read_url
from torchlink.read.index import IndexFile, local_path

MAX_SDIST = 64 * 2**20
MAX_MEMBERS = 50_000
_NOT_INSTALLED = frozenset({"test", "tests", "docs", "examples", "example", "benchmarks", "scripts", "tools", "setup"})


def modules_of_sdist(file: IndexFile) -> tuple[str, ...]:
    """Names of modules, sorted: what ``top_level.txt`` says, else the packages beside ``setup.py`` or below ``src``.

    Raises:
        UnreadableError: it is no archive, or larger than 64 MB.
        UnreachableError: it cannot be fetched.
    """
    place = local_path(file.url)
    data = read_bounded(place, MAX_SDIST) if place else read_url(file.url, MAX_SDIST)[0]
    try:
        names, listed = _of_zip(data) if file.filename.endswith(".zip") else _of_tar(data)
    except (OSError, EOFError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise UnreadableError(f"is no archive that can be read ({error})", where=file.filename) from None
    return tuple(sorted({line.strip() for line in listed.splitlines() if line.strip()})) or _packages(names)


def _of_tar(data: bytes) -> tuple[list[str], str]:
    names: list[str] = []
    listed = ""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for member in archive:
            if len(names) >= MAX_MEMBERS or archive.offset > 16 * MAX_SDIST:
                break
            names.append(member.name)
            if member.name.endswith(".egg-info/top_level.txt") and (stream := archive.extractfile(member)):
                listed = listed or stream.read(4096).decode("utf-8", "replace")
    return names, listed


def _of_zip(data: bytes) -> tuple[list[str], str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()[:MAX_MEMBERS]
        top = next((name for name in names if name.endswith(".egg-info/top_level.txt")), "")
        with archive.open(top) if top else io.BytesIO() as stream:
            return names, stream.read(4096).decode("utf-8", "replace")


def _packages(names: Iterable[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for name in names:
        parts = name.split("/")[1:]
        if parts[:1] in (["src"], ["lib"]):
            parts = parts[1:]
        if len(parts) == 2 and parts[1] == "__init__.py":
            found.add(parts[0])
        elif len(parts) == 1 and parts[0].endswith(".py"):
            found.add(parts[0].removesuffix(".py"))
    return tuple(sorted(name for name in found - _NOT_INSTALLED if name.isidentifier()))
