"""Python source → what it uses: every call and name, resolved through the file's own imports and variables.

The standard library's ``ast`` parses the whole file, bodies of functions included, so a cheap pass over the bytes
(``mentions``) comes first: of an environment's files a few in a hundred are parsed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Protocol

from torchlink.model.errors import UnreadableError
from torchlink.model.uses import FileUses, Needle
from torchlink.read.project import code_cells
from torchlink.read.python_source import MAX_SOURCE_BYTES
from torchlink.read.syntax import parse
from torchlink.read.use_walk import Walk
from torchlink.read.uses_codec import FORMAT, pack, unpack


class Keeper(Protocol):
    """Remembers what was read off files, while these stay as they are."""

    def known(self, kind: str, path: str) -> bytes | None:
        """What was kept of a file."""
        ...

    def keep(self, kind: str, path: str, pack: Callable[[], bytes]) -> None:
        """Keep what ``pack`` gives, where files like this one are kept at all."""
        ...


class _KeepsNothing:
    """Implements ``Keeper`` where nothing is remembered."""

    def known(self, kind: str, path: str) -> bytes | None:  # noqa: ARG002 - the protocol's signature
        return None

    def keep(self, kind: str, path: str, pack: Callable[[], bytes]) -> None:
        pass


_KEEPS_NOTHING = _KeepsNothing()


class UseFiles:
    """Implements ``model.uses.UsesReader``."""

    def __init__(self, read: Callable[[str], bytes], keeper: Keeper = _KEEPS_NOTHING) -> None:
        """``read`` gives a file's bytes, and raises ``ValueError`` or an ``UnreadableError`` where it cannot."""
        self._read = read
        self._keeper = keeper

    def uses(self, path: str, module: str) -> FileUses:
        """Read a source file; one that cannot be read has a ``problem``."""
        kind = f"uses {FORMAT}"
        known = self._keeper.known(kind, path)
        found = None if known is None else unpack(known)
        if found is not None and (found.path, found.module) == (path, module):
            return found
        try:
            found = read_uses(path, module, self._read(path))
        except (OSError, ValueError, UnreadableError) as error:
            return FileUses(path=path, module=module, problem=f"cannot be read: {error}")
        self._keeper.keep(kind, path, partial(pack, found))
        return found

    def mentions(self, path: str, needles: tuple[Needle, ...]) -> bool:
        """Whether the file's bytes have one of these needles."""
        kind = f"mention of {_digest(needles)}"
        known = self._keeper.known(kind, path)
        if known is not None:
            return known == _YES
        try:
            found = mentions(self._read(path), needles)
        except (OSError, ValueError, UnreadableError):
            return False
        self._keeper.keep(kind, path, lambda: _YES if found else _NO)
        return found


_YES, _NO = b"\1", b"\0"


@lru_cache(maxsize=256)
def _digest(needles: tuple[Needle, ...]) -> str:
    parts = sorted(repr((sorted(one.names), sorted(one.words))) for one in needles)
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def mentions(source: bytes, needles: tuple[Needle, ...]) -> bool:
    """Whether source holds one of the needles: a name behind its package or the package's usual alias, or imported."""
    return any(root in source and any(_has(source, one) for one in patterns) for root, patterns in _patterns(needles))


@dataclass(frozen=True, slots=True)
class _Pattern:
    words: tuple[bytes, ...]
    used: tuple[re.Pattern[bytes], ...]
    """Each begins with a literal, which the regex engine finds at the speed of a plain search."""
    imported: re.Pattern[bytes]
    names: re.Pattern[bytes]


def _has(source: bytes, pattern: _Pattern) -> bool:
    if pattern.words and not any(word in source for word in pattern.words):
        return False
    if any(_may_be_code(source, found.start()) for used in pattern.used for found in used.finditer(source)):
        return True
    return any(pattern.names.search(found) is not None for found in pattern.imported.findall(source))


def _may_be_code(source: bytes, start: int) -> bool:
    """Whether what stands there may be code: not behind a backtick, nor on a line that begins with ``#``.

    Documentation names what a release has taken out long after the code does not.
    """
    if source[start - 1 : start] == b"`":
        return False
    return not source[source.rfind(b"\n", 0, start) + 1 : start].lstrip().startswith(b"#")


_ALIASES = {"numpy": ("np",), "torchvision": ("tv",)}


@lru_cache(maxsize=256)
def _patterns(needles: tuple[Needle, ...]) -> tuple[tuple[bytes, tuple[_Pattern, ...]], ...]:
    """For each package its name, and what a use of it looks like; needles without words of their own share one."""
    groups: dict[str, dict[frozenset[str], set[str]]] = {}
    for needle in needles:
        for name in needle.names:
            groups.setdefault(name.partition(".")[0], {}).setdefault(needle.words, set()).add(name)
    return tuple(
        (root.encode(), tuple(_pattern(root, names, words) for words, names in sorted(parts.items(), key=str)))
        for root, parts in sorted(groups.items())
    )


def _pattern(root: str, names: set[str], words: frozenset[str]) -> _Pattern:
    behind: dict[str, set[str]] = {}
    for name in names:
        parent, _, last = name.rpartition(".")
        head = parent.rpartition(".")[2] or root
        for prefix in (head, *_ALIASES.get(head, ())):
            behind.setdefault("" if prefix == "*" else prefix, set()).add(last or root)
    used = [re.compile(rf"{prefix}\.{_choices(lasts)}".encode()) for prefix, lasts in sorted(behind.items()) if lasts]
    used.append(re.compile(rf"import {root}\.[\w.]*{_choices({name.rpartition('.')[2] for name in names})}".encode()))
    # What is below a name, where the name is a module.
    used.append(re.compile(rf"from {root}\.{_choices({name.partition('.')[2] or ' ' for name in names})}".encode()))
    if root in names:
        used.append(re.compile(rf"(?:import|from) {root}\b".encode()))
    parents = _choices({name.rpartition(".")[0] or name for name in names})
    imported = re.compile(rf"from {parents} +import +(?:\([^)]*|[^\n]*)".encode())
    lasts = {name.rpartition(".")[2] for name in names}
    return _Pattern(
        words=tuple(sorted(word.encode() for word in words)),
        used=tuple(used),
        imported=imported,
        names=re.compile(rf"\b{_choices(lasts)}".encode()),
    )


def _choices(words: set[str]) -> str:
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return rf"(?:{'|'.join(re.escape(word).replace(re.escape('*'), '[.a-zA-Z0-9_]+') for word in ordered)})\b"


@lru_cache(maxsize=256)
def read_uses(path: str, module: str, source: bytes) -> FileUses:
    """Read one source file or notebook. Never raises: what cannot be parsed becomes ``problem``.

    It is remembered: where a fix is looked for, the same file is judged in many sets.
    """
    try:
        cells: tuple[int, ...] = ()
        if path.endswith(".ipynb"):
            source, cells = code_cells(source)
        if len(source) > MAX_SOURCE_BYTES:
            raise ValueError(f"larger than {MAX_SOURCE_BYTES >> 20} MB")
        tree = parse(source)
        walk = Walk(path=path, module=module, source=source)
        walk.run(tree)
    except SyntaxError as error:
        return FileUses(path=path, module=module, problem=f"does not parse on line {error.lineno}: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        return FileUses(path=path, module=module, problem=f"does not parse: {str(error) or type(error).__name__}")
    return walk.facts(cells)
