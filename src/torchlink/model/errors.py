"""Errors that are told to the user as one line."""

from __future__ import annotations


class TorchlinkError(Exception):
    """Something that the user can mend: what happened, where, and how to mend it.

    The command line prints ``str(error)`` as one line and exits with 2.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.mend}" if self.mend else text


class UnreadableError(TorchlinkError):
    """An artifact (an ELF file, metadata, source) is not what it claims to be, or exceeds a bound."""
