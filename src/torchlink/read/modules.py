"""The top-level modules that lie in a folder, and those that lie in more than one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from torchlink.model.environment import Copies, Distribution, DistributionKind
from torchlink.read.editable import is_editable_machinery
from torchlink.read.tree import Tree

_EXTENSION = (".so", ".pyd")
_STARTUP = frozenset({"sitecustomize", "usercustomize", "distutils-precedence", "_virtualenv"})


def top_level_modules(folder: str, tree: Tree) -> dict[str, str]:
    """Module names in one folder with the path of each, packages before modules as the import system takes them.

    A folder without ``__init__`` is a portion of a namespace package and no module of its own: it is left out.
    """
    listing = tree.listing(folder)
    found: dict[str, str] = {}
    for name in listing.folders:
        if name.isidentifier():
            path = f"{folder}{os.sep}{name}"
            if any(file.startswith("__init__.") for file in tree.files(path)):
                found[name] = path
    for name in listing.files:
        stem, _, rest = name.partition(".")
        if stem.isidentifier() and (rest == "py" or name.endswith(_EXTENSION)):
            found.setdefault(stem, f"{folder}{os.sep}{name}")
    return found


def copies_on(folders: Sequence[str], mapped: Iterable[tuple[str, str]], tree: Tree) -> tuple[Copies, ...]:
    """Top-level modules that lie in several places of a search path, in its order.

    ``mapped`` are the names and places that editable installs' finders know: Python asks them after every folder.
    """
    places: dict[str, list[str]] = {}
    for folder in folders:
        for name, path in top_level_modules(folder, tree).items():
            if not _is_machinery(name):
                places.setdefault(name, []).append(path)
    for name, path in mapped:
        if name in places:
            places[name].append(path)
    several = ((name, _distinct(paths)) for name, paths in sorted(places.items()) if len(paths) > 1)
    return tuple(Copies(name=name, paths=paths) for name, paths in several if len(paths) > 1)


def _distinct(paths: Iterable[str]) -> tuple[str, ...]:
    """Drop those that are links to an earlier one."""
    first: dict[str, str] = {}
    for path in paths:
        first.setdefault(os.path.realpath(path), path)
    return tuple(first.values())


def unowned_modules(sites: Iterable[str], distributions: Iterable[Distribution], tree: Tree) -> tuple[str, ...]:
    """Packages and modules of site-packages folders that no distribution installed there."""
    owned: set[tuple[str, str]] = set()
    anywhere: set[str] = set()
    for distribution in distributions:
        owned.update((distribution.root, name) for name in distribution.top_level)
        if distribution.editable or distribution.kind is DistributionKind.CONDA:
            anywhere.update(distribution.top_level)
    return tuple(
        path
        for site in sites
        for name, path in sorted(top_level_modules(site, tree).items())
        if (site, name) not in owned and name not in anywhere and not _is_machinery(name)
    )


def _is_machinery(name: str) -> bool:
    return name in _STARTUP or is_editable_machinery(name)
