"""Which of a project's files its own source loads: paths that stand in the call that loads them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torchlink.link.owners import Owners
from torchlink.link.project_calls import calls
from torchlink.model.environment import Project
from torchlink.model.source import Node, Sources

_LOADERS = re.compile(r"(?i)load|from_pretrained|restore|resume")
"""``torch.load``, ``load_from_checkpoint``, ``joblib.load``, ``load_file``, ``load_state_dict`` around one of them."""
_MODELS = frozenset({"YOLO", "RTDETR", "SAM", "NAS", "FastSAM", "YOLOWorld", "SentenceTransformer", "CrossEncoder"})
"""Classes of ultralytics and sentence-transformers whose first argument is the file or folder of a model."""
MOST_PLACES = 5
_TORCH_LOAD = ("a", ("n", "torch"), "load")
_ASKING = frozenset({"is_available", "device_count", "set_default_device"})
"""What is called where a script has a way for machines with a GPU, and one for those without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """How a project's source loads a checkpoint."""

    places: tuple[str, ...] = ()
    """Where (``train.py:3``)."""
    to_saved_devices: tuple[str, ...] = ()
    """Those where torch puts the tensors back on the devices that they were saved on: a ``torch.load`` without
    ``map_location``, in a file that does not ask which devices there are, nor loads the same with one."""


def loaded_files(project: Project, sources: Sources, owners: Owners) -> dict[Path, Loads]:
    """How the project's source loads which of its checkpoints.

    Only paths are found that are written out in the call: against the project's folder, as a script sees them that is
    started there, or against the folder of the file that they stand in.
    """
    wanted = set(project.checkpoints)
    places: dict[Path, list[str]] = {}
    plain: dict[Path, list[str]] = {}
    for source in project.sources if wanted else ():
        every = list(calls(sources, str(source)))
        asks = any(name in _ASKING for name, _ in every)
        found: dict[Path, list[Node]] = {}
        for name, call in every:
            if not (_LOADERS.search(name) or name in _MODELS):
                continue
            for path in _paths(call, (project.root, source.parent)):
                if path in wanted:
                    found.setdefault(path, []).append(call)
        for path, loads in found.items():
            places.setdefault(path, []).extend(owners.place(str(source), call[4]) for call in loads)
            if not asks and not any(map(_is_told_devices, loads)):
                lines = (call[4] for call in loads if call[1][:3] == _TORCH_LOAD)
                plain.setdefault(path, []).extend(owners.place(str(source), line) for line in lines)
    return {
        path: Loads(places=_first(found), to_saved_devices=_first(plain.get(path, [])))
        for path, found in places.items()
    }


def _first(places: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(places))[:MOST_PLACES]


def _is_told_devices(call: Node) -> bool:
    """Whether a call may say on which devices the tensors are wanted."""
    _, callee, positional, keywords, _ = call
    if any(name in (None, "map_location") for name, _ in keywords):
        return True
    return callee[:3] == _TORCH_LOAD and (len(positional) > 1 or any(one[0] == "*" for one in positional))


def _paths(call: Node, folders: Iterable[Path]) -> Iterator[Path]:
    for text in _texts(call):
        yield from (Path(os.path.normpath(folder / text)) for folder in folders)


def _texts(call: Node) -> Iterator[str]:
    """The strings among a call's arguments."""
    pending: list[Node] = [call[2], call[3]]
    while pending:
        current = pending.pop()
        if len(current) == 2 and current[0] == "c":
            if isinstance(current[1], str) and "\0" not in current[1]:
                yield current[1]
            continue
        pending.extend(item for item in current if isinstance(item, tuple))
