"""What a project says to torchlink in its ``pyproject.toml``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A finding that is known and accepted. Every part that is given must match; at least one is."""

    reason: str
    code: str = ""
    """A kind of finding (``requires``, ``symbol``), or a behaviour rule."""
    package: str = ""
    """PEP 503-normalised name of the needer or the provider."""
    path: str = ""
    """A glob that every piece of the finding's evidence, or every place that reaches it, matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """A comment in the source: findings of these codes are accepted on its line."""

    codes: frozenset[str]
    """Kinds of findings, and behaviour rules."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The ``[tool.torchlink]`` table."""

    silences: tuple[Silence, ...] = ()
    verify: tuple[str, ...] = ()
    """The user's own check of an environment: a program and its arguments, run in the project's folder."""
