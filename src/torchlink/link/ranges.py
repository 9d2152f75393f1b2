"""Version ranges: whether two of them have a version in common, and whether one admits a version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

_VERSION = re.compile(r"(?:===?|~=|!=|<=?|>=?)\s*([^\s,]+)")


@lru_cache(maxsize=4096)
def exclude(one: str, other: str) -> bool:
    """Whether no version is in both ranges. Ranges that cannot be read exclude nothing.

    A range changes only at the versions that it names, so it is enough to try those, and one on either side of each.
    """
    try:
        ranges = (SpecifierSet(one), SpecifierSet(other))
    except (InvalidSpecifier, ValueError):
        return False
    return not any(
        all(each.contains(version, prereleases=True) for each in ranges) for version in _probes(f"{one},{other}")
    )


def _probes(text: str) -> Iterator[Version]:
    for named in ("0", *_VERSION.findall(text)):
        try:
            version = Version(named.removesuffix(".*"))
        except (InvalidVersion, ValueError):
            continue
        public = ".".join(map(str, version.release))
        yield version
        for near in (f"{public}.0.1", f"{public}.1", f"{version.epoch}!{_before(version.release)}", f"{public}.post1"):
            yield Version(near)
        yield Version(f"{version.epoch}!{version.release[0] + 1000}")


def _before(release: tuple[int, ...]) -> str:
    """A version just before a release."""
    place = next((index for index in range(len(release) - 1, -1, -1) if release[index]), None)
    if place is None:
        return "0.dev0"
    return ".".join(map(str, (*release[:place], release[place] - 1, 99999)))


def admits(specifier: str, version: str) -> bool:
    """Whether a range admits a version, pre-releases included; what cannot be read is admitted."""
    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion, ValueError):
        return True
