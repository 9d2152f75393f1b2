"""YAML with places, by PyYAML's own marks.

PyYAML is an extra (``torchlink[pins]``): YAML has too many ways to write a string for a reader of our own, and nobody
needs a YAML library to have an environment checked. Nothing is constructed: the nodes are looked at, tags are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torchlink.model.errors import UnreadableError
from torchlink.read.pins.entries import Entry, Path
from torchlink.read.pins.text import Piece, aligned
from torchlink.read.pins.toml import unescaped

if TYPE_CHECKING:
    from yaml import Node, ScalarNode

_MOST_NODES = 100_000
_MOST_DEPTH = 100


def strings(piece: Piece, *, where: str) -> list[Entry]:
    """Every scalar of the documents in a piece, in their order.

    Raises:
        UnreadableError: It is no YAML, nests too deeply, or PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise UnreadableError("to read YAML takes PyYAML: install torchlink[pins]", where=where) from None
    try:
        entries: list[Entry] = []
        # libyaml's loader gives the same marks twelve times as fast; a PyYAML built without it has none.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        for document in yaml.compose_all(piece.text, Loader=loader):
            entries.extend(_Walk(piece).entries(document, (), None, 0))
        return entries
    except yaml.YAMLError as error:
        raise UnreadableError(f"it is no valid YAML ({_reason(error)})", where=where) from None
    except (RecursionError, ValueError) as error:
        raise UnreadableError(f"it is no YAML that can be read ({error})", where=where) from None


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


class _Walk:
    """Counts what it has seen: aliases make a small document large."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._seen = 0

    def entries(self, node: Node, path: Path, key: Piece | None, depth: int) -> Iterator[Entry]:
        from yaml import MappingNode, ScalarNode, SequenceNode

        self._seen += 1
        if self._seen > _MOST_NODES or depth > _MOST_DEPTH:
            raise ValueError("it is larger than what is read of it")
        if isinstance(node, ScalarNode):
            yield Entry(path, _scalar(self._piece, node), key)
        elif isinstance(node, SequenceNode):
            for place, item in enumerate(node.value):
                yield from self.entries(item, (*path, place), None, depth + 1)
        elif isinstance(node, MappingNode):
            for name, value in node.value:
                if isinstance(name, ScalarNode):
                    yield from self.entries(value, (*path, name.value), _scalar(self._piece, name), depth + 1)


def _scalar(piece: Piece, node: ScalarNode) -> Piece:
    """The value of a scalar with the place of each of its characters."""
    raw = piece.part(node.start_mark.index, node.end_mark.index)
    if node.style in ("|", ">"):
        return _block(raw, node.value)
    begins = raw.part(1, len(raw.text) - 1) if node.style in ("'", '"') else raw
    if node.style == '"' and "\\" in begins.text and (plain := unescaped(begins)).text == node.value:
        return plain
    return begins if begins.text == node.value else aligned(begins, node.value)


def _block(raw: Piece, value: str) -> Piece:
    """A block scalar: its lines without their indentation, below the line of the ``|``."""
    head = raw.text.find("\n")
    return aligned(raw.part(head + 1), value) if head >= 0 else aligned(raw, value)
