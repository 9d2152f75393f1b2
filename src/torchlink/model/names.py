"""How names are compared."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[-_.]+")


def normalise(name: str) -> str:
    """Return the name of a distribution or of an extra as PEP 503 and PEP 685 normalise it."""
    return _SEPARATORS.sub("-", name.strip()).lower()


_OTHER_NAMES = {"pytorch": "torch", "pytorch-cpu": "torch", "pytorch-gpu": "torch"}
"""What conda (conda-forge's ``pytorch-cpu-feedstock``) and prose call a distribution."""


def distribution_of(name: str) -> str:
    """The PyPI name of a normalised name: conda's ``pytorch`` is ``torch``."""
    return _OTHER_NAMES.get(name, name)
