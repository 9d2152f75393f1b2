"""Which releases are tried."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version


def is_final(version: str) -> bool:
    """Whether a version is neither a pre-release nor a local build."""
    try:
        parsed = Version(version)
    except InvalidVersion:
        return False
    return not parsed.is_prerelease and parsed.local is None
