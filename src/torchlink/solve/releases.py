"""Which releases are tried."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from torchlink.catalog.wheels import Wheels
from torchlink.model.errors import TorchlinkError


def is_final(version: str) -> bool:
    """Whether a version is neither a pre-release nor a local build."""
    try:
        parsed = Version(version)
    except InvalidVersion:
        return False
    return not parsed.is_prerelease and parsed.local is None


def final_releases(name: str, wheels: Wheels) -> list[str]:
    """Final releases with a wheel for this interpreter, oldest first, by the index; none where it does not answer."""
    try:
        files = wheels.files(name)
    except TorchlinkError:
        return []
    ranks = frozenset(wheels.tags)
    found = {file.version for file in files if file.is_wheel and not file.yanked and ranks.intersection(file.tags)}
    return sorted((one for one in found if is_final(one)), key=Version)
