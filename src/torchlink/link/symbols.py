"""Symbols and symbol versions that nothing in a process provides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torchlink.model.errors import UnreadableError
from torchlink.model.native import NativeFiles, NativeLibrary


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingVersion:
    """A symbol version that the library it is needed from does not define."""

    library: str
    """Name of the library that should define it, ``libstdc++.so.6``."""
    path: str
    """The file that would be loaded under that name."""
    version: str


def unresolved(names: frozenset[str], scope: Iterable[str], files: NativeFiles) -> frozenset[str]:
    """Those of ``names`` that no library of the scope exports.

    Raises:
        UnreadableError: a library of the scope cannot be read, so nothing can be said.
    """
    rest = names
    for path in scope:
        if not rest:
            break
        rest = rest - files.exported(path, rest)
    return rest


def missing_versions(
    library: NativeLibrary, names: Mapping[str, str], files: NativeFiles
) -> tuple[MissingVersion, ...]:
    """The versions that a library needs and that what is loaded under the name does not define.

    A library without any version definitions satisfies every need: the dynamic linker says "no version information
    available" and goes on. Weak needs only make it warn.
    """
    found: list[MissingVersion] = []
    for need in library.version_needs:
        path = names.get(need.library)
        if path is None or need.weak:
            continue
        try:
            defined = files.facts(path).library.version_definitions
        except UnreadableError:
            continue
        if defined and need.version not in defined:
            found.append(MissingVersion(library=need.library, path=path, version=need.version))
    return tuple(found)
