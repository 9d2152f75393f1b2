"""What is asked of a set of releases that is not installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A what-if target, as the command line says it. ``frozen``, ``requirements`` or ``added`` is given."""

    frozen: Path | None = None
    """A file that names the set itself."""
    requirements: tuple[Path, ...] = ()
    """Files to resolve."""
    added: tuple[str, ...] = ()
    """Requirements to install into an environment, or to resolve beside ``requirements``."""
    constraints: tuple[Path, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    python_version: str = ""
    platform: str = ""
    index_url: str = ""
    as_of: str = ""
    offline: bool = False
    builds: bool = False
    """Whether build scripts may be run to learn what a release requires that exists only as source."""
    bisect: bool = False
    """Look for the release that broke what is resolved."""
    fresh: bool = False
    """Resolve what the project's own files require, whatever is installed."""
