"""What differs between two moments of an environment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A distribution that changed; a version is empty where there is none."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A file that changed while its distribution's version did not."""

    path: str
    how: str
    """``changed``, ``added`` or ``removed``."""
    owner: str
    """Its distribution; empty where none has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs, and between when and when."""

    since: str
    until: str
    moved: tuple[Moved, ...]
    touched: tuple[Touched, ...]

    def explained_first(self, names: frozenset[str]) -> Difference:
        """The same with what concerns some packages before the rest."""
        return Difference(
            since=self.since,
            until=self.until,
            moved=tuple(sorted(self.moved, key=lambda one: (one.name not in names, one.name))),
            touched=tuple(sorted(self.touched, key=lambda one: (one.owner not in names, one.path))),
        )
