"""Which of a project's files its own source loads: paths that stand in the call that loads them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
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


def loaded_files(project: Project, sources: Sources, owners: Owners) -> dict[Path, tuple[str, ...]]:
    """Where the project's source loads which of its checkpoints (``train.py:3``).

    Only paths are found that are written out in the call: against the project's folder, as a script sees them that is
    started there, or against the folder of the file that they stand in.
    """
    wanted = set(project.checkpoints)
    found: dict[Path, list[str]] = {}
    for source in project.sources if wanted else ():
        for name, call in calls(sources, str(source)):
            if not (_LOADERS.search(name) or name in _MODELS):
                continue
            for text in _texts(call):
                for folder in (project.root, source.parent):
                    path = Path(os.path.normpath(folder / text))
                    if path in wanted:
                        found.setdefault(path, []).append(owners.place(str(source), call[4]))
    return {path: tuple(dict.fromkeys(places))[:MOST_PLACES] for path, places in found.items()}


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
