"""Python source → what it uses: every call and name, resolved through the file's own imports and variables.

The standard library's ``ast`` parses the whole file, bodies of functions included, so a cheap pass over the bytes
(``mentions``) comes first: of an environment's files a few in a hundred are parsed.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from functools import lru_cache

from torchlink.model.errors import UnreadableError
from torchlink.model.uses import FileUses
from torchlink.read.project import code_cells
from torchlink.read.python_source import MAX_SOURCE_BYTES
from torchlink.read.use_walk import Walk


class UseFiles:
    """Implements ``model.uses.UsesReader``."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        """``read`` gives a file's bytes, and raises ``ValueError`` or an ``UnreadableError`` where it cannot."""
        self._read = read

    def uses(self, path: str, module: str) -> FileUses:
        """Read a source file; one that cannot be read has a ``problem``."""
        try:
            return read_uses(path, module, self._read(path))
        except (OSError, ValueError, UnreadableError) as error:
            return FileUses(path=path, module=module, problem=f"cannot be read: {error}")

    def mentions(self, path: str, names: frozenset[str]) -> bool:
        """Whether the file's bytes hold one of these full names, as it would be written after an import."""
        try:
            return mentions(self._read(path), names)
        except (OSError, ValueError, UnreadableError):
            return False


def mentions(source: bytes, names: frozenset[str]) -> bool:
    """Whether source holds one of these full names: behind its package or the package's usual alias, or imported."""
    return any(root in source and _is_used(source, used, words) for root, used, words in _patterns(names))


def _is_used(source: bytes, used: re.Pattern[bytes], words: re.Pattern[bytes]) -> bool:
    if used.search(source) is not None:
        return True
    return any(words.search(found.group()) is not None for found in _FROM.finditer(source))


_FROM = re.compile(rb"\n[ \t]*from[ \t]+[\w.]+[ \t]+import[ \t]+(?:\([^)]*|[^\n]*)")
_ALIASES = {"numpy": ("np", "_np", "onp"), "torch": ("th", "t", "_torch"), "transforms": ("T",), "backends": ()}


@lru_cache(maxsize=256)
def _patterns(names: frozenset[str]) -> tuple[tuple[bytes, re.Pattern[bytes], re.Pattern[bytes]], ...]:
    """For each package: its name, what a use of one of the names looks like, and the names as words."""
    found = []
    for root in sorted({name.partition(".")[0] for name in names}):
        own = [name for name in names if name.partition(".")[0] == root]
        parents = {name.rpartition(".")[0].rpartition(".")[2] for name in own} - {"*"}
        if any("*" in name for name in own):
            parents.add(r"\w+")
        aliases = {alias for parent in parents for alias in _ALIASES.get(parent, ())}
        words = _choices({name.rpartition(".")[2] for name in own})
        # The names of whole modules are imported, not read off their parent.
        used = rf"\b(?:{'|'.join(sorted(parents | aliases))})\.{words}|\bimport[ \t]+[\w.]+\.{words}|\bgetattr\("
        found.append((root.encode(), re.compile(used.encode()), re.compile(rf"\b{words}".encode())))
    return tuple(found)


def _choices(words: set[str]) -> str:
    choices = (r"\w+" if word == "*" else word for word in sorted(words, key=lambda word: (-len(word), word)))
    return rf"(?:{'|'.join(choices)})\b"


def read_uses(path: str, module: str, source: bytes) -> FileUses:
    """Read one source file or notebook. Never raises: what cannot be parsed becomes ``problem``."""
    try:
        cells: tuple[int, ...] = ()
        if path.endswith(".ipynb"):
            source, cells = code_cells(source)
        if len(source) > MAX_SOURCE_BYTES:
            raise ValueError(f"larger than {MAX_SOURCE_BYTES >> 20} MB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        walk = Walk(path=path, module=module, source=source)
        walk.run(tree)
    except SyntaxError as error:
        return FileUses(path=path, module=module, problem=f"does not parse on line {error.lineno}: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        return FileUses(path=path, module=module, problem=f"does not parse: {str(error) or type(error).__name__}")
    return walk.facts(cells)
