"""Edits of a project's source, and the choices that are left to its writer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEdit:
    """One edit: of the call, or of the name, that begins at a place."""

    path: str
    line: int
    column: int
    """Both 1-based; the column counts characters."""
    rule: str
    summary: str
    """What is done: ``add weights_only=True``."""
    reason: str = ""
    """Why that is right here: ``best.pt loads so``."""
    name: str = ""
    """The full name that is replaced; empty for an edit of a call."""
    replacement: str = ""
    """What replaces it: a full name, or an expression."""
    below: int = 0
    """How many attributes of the name that is replaced stand behind it in the source."""
    add: tuple[tuple[str, str], ...] = ()
    """Keyword arguments that are set, with their source."""
    rename: tuple[tuple[str, str], ...] = ()
    """Keyword arguments that get another name."""
    drop: tuple[str, ...] = ()
    call: str = ""
    """The full name that is called instead; empty for the same."""
    first: str = ""
    """An argument that is put before the others."""
    allow: tuple[str, ...] = ()
    """Entries of ``torch.serialization.safe_globals`` that is put around the statement."""
    imports: tuple[str, ...] = ()
    """Import statements that the entries need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A place where only the writer can say what is meant."""

    path: str
    line: int
    rule: str
    why: str
    """Why it is not edited."""
    options: tuple[str, ...]
    """What may be done, each with what it means for security."""
