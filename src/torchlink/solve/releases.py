"""Which releases are tried."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from torchlink.catalog.wheels import Wheels
from torchlink.model.errors import TorchlinkError
from torchlink.read.index import IndexFile


def is_final(version: str) -> bool:
    """Whether a version is neither a pre-release nor a local build."""
    try:
        parsed = Version(version)
    except InvalidVersion:
        return False
    return not parsed.is_prerelease and parsed.local is None


def final_releases(name: str, wheels: Wheels, python: str) -> list[str]:
    """Final releases with a wheel that an installer would take, oldest first; none where the index does not answer.

    Args:
        name: the package.
        wheels: the indexes, with the tags of an interpreter.
        python: its version.
    """
    try:
        files = wheels.files(name)
    except TorchlinkError:
        return []
    return final_of(files, wheels, python)


def final_of(files: Iterable[IndexFile], wheels: Wheels, python: str) -> list[str]:
    """The same of some files."""
    ranks = frozenset(wheels.tags)
    found = {
        file.version
        for file in files
        if file.is_wheel and not file.yanked and ranks.intersection(file.tags) and is_for(file.requires_python, python)
    }
    return sorted((one for one in found if is_final(one)), key=Version)


@lru_cache(maxsize=1024)
def is_for(requires_python: str, python: str) -> bool:
    """Whether a Python is one that a file is for, as its index says; what is not understood is for all."""
    try:
        return SpecifierSet(requires_python).contains(python, prereleases=True)
    except InvalidSpecifier:
        return True
