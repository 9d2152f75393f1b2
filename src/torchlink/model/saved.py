"""What a pickle of a value names: data for judging what a program saves, from its source alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedValues:
    """What calls return, as far as pickling it goes."""

    plain: frozenset[str]
    """Functions, and methods with a leading dot, whose result is tensors, numbers, texts and containers of those."""
    named: Mapping[str, tuple[str, ...]]
    """Likewise, with the globals that a pickle of the result needs. NumPy's core is ``numpy._core``, as in NumPy 2."""
