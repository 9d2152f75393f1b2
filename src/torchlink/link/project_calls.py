"""The calls in a project's own source, its functions' bodies with them."""

from __future__ import annotations

from collections.abc import Iterator

from torchlink.model.source import Node, Sources


def calls(sources: Sources, path: str) -> Iterator[tuple[str, Node]]:
    """Every call of a file, in the order of the source: the last name of what is called, and the call."""
    pending: list[Node] = [sources.module(path).block]
    while pending:
        current = pending.pop()
        kind = current[0] if current else None
        if kind == "call" and len(current) == 5 and current[1][-1:]:
            yield last_name(current[1]), current
        elif kind == "def" and len(current) == 7 and current[6] is None:
            pending.append(sources.function(path, current[1], current[5]))
        pending.extend(item for item in reversed(current) if isinstance(item, tuple))


def last_name(callee: Node) -> str:
    """``load`` of ``torch.load``; empty for what is called without a name."""
    if callee[0] == "a":
        return str(callee[2])
    return str(callee[1]) if callee[0] == "n" else ""
