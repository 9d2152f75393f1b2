"""What is asked for and exists only as source: what it needs is not known without a build, and all else is answered."""

from __future__ import annotations

from collections.abc import Sequence

from packaging.version import Version

from torchlink.catalog.wheels import Pin, Wheels
from torchlink.model.errors import TorchlinkError
from torchlink.solve.declared import Declared, declared
from torchlink.solve.releases import is_final


def source_only(lines: Sequence[str], wheels: Wheels) -> tuple[dict[str, Pin], tuple[str, ...]]:
    """Tell requirements that no wheel satisfies from the others.

    Args:
        lines: requirements.
        wheels: the indexes, with the tags of an interpreter.

    Returns:
        For each package that has a source distribution and no wheel here, the newest release that its line admits; and
        the lines that remain.
    """
    pins: dict[str, Pin] = {}
    rest: list[str] = []
    for line in lines:
        (one,) = declared((), (line,)) or (None,)
        newest = "" if one is None else _newest_source(one, wheels)
        if one is not None and newest:
            pins[one.name] = Pin(name=one.name, version=newest)
        else:
            rest.append(line)
    return pins, tuple(rest)


def _newest_source(one: Declared, wheels: Wheels) -> str:
    try:
        files = wheels.files(one.name)
    except TorchlinkError:
        return ""
    tags = frozenset(wheels.tags)
    admitted = [file for file in files if not file.yanked and one.requirement.specifier.contains(file.version)]
    if any(file.is_wheel and tags.intersection(file.tags) for file in admitted):
        return ""
    sources = (file.version for file in admitted if not file.is_wheel and is_final(file.version))
    return max(sources, key=Version, default="")
