"""Calls in a project's source that cross the bridge between torch and NumPy: what fails first when it is dead."""

from __future__ import annotations

from collections.abc import Iterator

from torchlink.link.owners import Owners
from torchlink.model.environment import Project
from torchlink.model.reference import Evidence
from torchlink.model.source import Node, Sources

CALLS = {
    "numpy": "calls .numpy()",
    "from_numpy": "calls from_numpy()",
    "ToTensor": "makes a ToTensor transform",
    "pil_to_tensor": "calls pil_to_tensor()",
    "to_tensor": "calls to_tensor()",
}
"""Methods and functions of torch and torchvision that need NumPy's C API, by their last name."""
MAX_CALLS = 20


def bridge_calls(project: Project, sources: Sources, owners: Owners) -> tuple[Evidence, ...]:
    """The first calls that cross the bridge, file by file."""
    found: list[Evidence] = []
    for path in map(str, project.sources):
        for name, line in _calls(sources, path, sources.module(path).block):
            found.append(Evidence(artifact=owners.place(path, line), detail=CALLS[name]))
            if len(found) >= MAX_CALLS:
                return tuple(found)
    return tuple(found)


def _calls(sources: Sources, path: str, node: Node) -> Iterator[tuple[str, int]]:
    pending: list[Node] = [node]
    while pending:
        current = pending.pop()
        kind = current[0] if current else None
        if kind == "call" and len(current) == 5 and current[1][-1:]:
            name = _last_name(current[1])
            if name in CALLS:
                yield name, current[4]
        elif kind == "def" and len(current) == 7 and current[6] is None:
            pending.append(sources.function(path, current[1], current[5]))
        pending.extend(item for item in reversed(current) if isinstance(item, tuple))


def _last_name(callee: Node) -> str:
    if callee[0] == "a":
        return str(callee[2])
    return str(callee[1]) if callee[0] == "n" else ""
