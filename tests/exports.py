"""A small table of what releases export, for linkers that are tested without the shipped one."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PaperExports:
    """What releases export, by symbol. It is an ``Exports``."""

    releases: tuple[str, ...]
    by_symbol: Mapping[str, tuple[str, ...]]
    machine: str = platform.machine()

    def releases_exporting(self, symbol: str) -> tuple[str, ...]:
        return self.by_symbol.get(symbol, ())
