"""What is asked for and exists only as source: what it needs is not known without a build, and all else is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from packaging.version import Version

from torchlink.catalog.wheels import Wheels
from torchlink.model.errors import TorchlinkError
from torchlink.solve.declared import Choice, Declared, declared, folders, needs_no_build, says_what_it_requires
from torchlink.solve.releases import is_final
from torchlink.solve.uv import Resolved, Wish

_READABLE = frozenset({".txt", ".in", ".toml"})


def without_sources(wish: Wish, wheels: Wheels, markers: Mapping[str, str], *, builds: bool) -> Wish | None:
    """A wish without the requirements that no wheel satisfies; they belong to every answer as they are.

    Args:
        wish: what is wanted.
        wheels: the indexes, with the tags of an interpreter.
        markers: of that interpreter.
        builds: whether uv may build what comes from an address.

    Returns:
        The wish, with each such package at the newest release that its line admits, or by its address; ``None`` where
        there are none, or a file is of a kind that only uv reads. Of a folder that a file installs, what its project
        requires counts.
    """
    if any(path.suffix not in _READABLE for path in wish.files):
        return None
    beside = [folder for path in wish.files if path.suffix != ".toml" for folder, _ in folders(path)]
    if not all(map(says_what_it_requires, beside)):
        return None
    every = declared(wish.files, wish.lines, Choice(extras=wish.extras, groups=wish.groups))
    known: list[Resolved] = []
    rest: list[str] = []
    for one in every:
        source = _source(one, wheels, builds=builds) if one.holds(markers) else None
        if source is None:
            rest.append(str(one.requirement))
        else:
            known.append(source)
    if not known and (builds or not beside):
        return None
    return replace(wish, lines=tuple(dict.fromkeys(rest)), files=(), extras=(), groups=(), known=(*wish.known, *known))


def _source(one: Declared, wheels: Wheels, *, builds: bool) -> Resolved | None:
    if url := one.requirement.url:
        return None if needs_no_build(url) or builds else Resolved(name=one.name, version="", url=url)
    newest = _newest_source(one, wheels)
    return Resolved(name=one.name, version=newest) if newest else None


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
