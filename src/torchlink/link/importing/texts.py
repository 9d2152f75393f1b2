"""Texts and versions that carry more than their characters.

They extend built-in types, and so do exceptions (``failures.py``): such classes cannot be compiled, and these two files
are left as they are.
"""

from __future__ import annotations

from packaging.version import Version


class PartlyKnown(str):
    """A text with unknown parts, shown as ``…``. Good for messages; no operation takes it for known."""

    __slots__ = ()


class VersionText(str):
    """The version of an installed distribution; knows whose it is, so that a comparison can be traced back."""

    __slots__ = ("distribution",)
    distribution: str

    def __new__(cls, text: str, distribution: str) -> VersionText:
        self = super().__new__(cls, text)
        self.distribution = distribution
        return self


class InstalledVersion(Version):
    """A parsed version of an installed distribution."""

    def __init__(self, text: str, distribution: str) -> None:
        super().__init__(text)
        self.distribution = distribution
