"""What a GPU's compute capability has to do with those that a wheel was compiled for."""

from __future__ import annotations

import re

_ARCHITECTURE = re.compile(r"(sm|compute)_(\d{2,3})")


def gap(capability: str, supported: str) -> str:
    """Why a GPU has no code in a wheel.

    Machine code for X.y runs on X.z with z >= y and on no other X; intermediate code (``compute_``) runs on everything
    from its own capability on. Source: CUDA C++ Programming Guide, "Binary Compatibility".

    Args:
        capability: ``120``, or ``61``; empty where it is not known.
        supported: the wheel's list, ``sm_50 sm_60 compute_70``; empty where it is not known.

    Returns:
        ``newer``, ``older`` or ``hole``; empty where nothing is known.
    """
    digits = re.sub(r"\D", "", capability)
    if not digits:
        return ""
    number = int(digits)
    listed = sorted(int(match[2]) for match in _ARCHITECTURE.finditer(supported))
    if not listed:
        return "newer" if number >= 90 else "older" if number < 50 else ""
    if number < listed[0]:
        return "older"
    return "newer" if number // 10 > listed[-1] // 10 else "hole"
