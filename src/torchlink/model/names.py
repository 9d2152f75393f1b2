"""How names are compared."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[-_.]+")


def normalise(name: str) -> str:
    """Return the name of a distribution or of an extra as PEP 503 and PEP 685 normalise it."""
    return _SEPARATORS.sub("-", name.strip()).lower()
