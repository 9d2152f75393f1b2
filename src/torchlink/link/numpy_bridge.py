"""Calls in a project's source that cross the bridge between torch and NumPy: what fails first when it is dead."""

from __future__ import annotations

from itertools import islice

from torchlink.link.owners import Owners
from torchlink.link.project_calls import calls
from torchlink.model.environment import Project
from torchlink.model.reference import Evidence
from torchlink.model.source import Sources

CALLS = {
    "numpy": "calls .numpy()",
    "from_numpy": "calls from_numpy()",
    "ToTensor": "makes a ToTensor transform",
    "pil_to_tensor": "calls pil_to_tensor()",
    "to_tensor": "calls to_tensor()",
    "pandas": "calls .pandas()",
}
"""Methods and functions of torch and torchvision that need NumPy's C API, by their last name; ``pandas`` is that of
YOLOv5's detections (``models/common.py``)."""
MAX_CALLS = 500


def bridge_calls(project: Project, sources: Sources, owners: Owners) -> tuple[Evidence, ...]:
    """The first calls that cross the bridge, file by file."""
    found = (
        Evidence(artifact=owners.place(path, call[4]), detail=CALLS[name])
        for path in map(str, project.sources)
        for name, call in calls(sources, path)
        if name in CALLS
    )
    return tuple(islice(found, MAX_CALLS))
