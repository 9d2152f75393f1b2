"""The table of contents: find → read → link → solve → report. Every face calls this, and nothing below it.

A part is imported when it is asked for: ``check`` starts to walk the files before it imports what judges them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchlink.pipeline.answers import remembered, report_key
    from torchlink.pipeline.checking import check
    from torchlink.pipeline.explaining import explain
    from torchlink.pipeline.fixing import fix
    from torchlink.pipeline.linking import this_machine
    from torchlink.pipeline.mending import mend_source
    from torchlink.pipeline.playing import play
    from torchlink.pipeline.questions import judge_set, what_if
    from torchlink.pipeline.releases import matrix, mine, wheel_facts
    from torchlink.pipeline.running import Progress

_PARTS = {
    "answers": ("remembered", "report_key"),
    "checking": ("check",),
    "explaining": ("explain",),
    "fixing": ("fix",),
    "linking": ("this_machine",),
    "mending": ("mend_source",),
    "playing": ("play",),
    "questions": ("judge_set", "what_if"),
    "releases": ("matrix", "mine", "wheel_facts"),
    "running": ("Progress",),
}
_PART_OF = {name: part for part, names in _PARTS.items() for name in names}

__all__ = [
    "Progress",
    "check",
    "explain",
    "fix",
    "judge_set",
    "matrix",
    "mend_source",
    "mine",
    "play",
    "remembered",
    "report_key",
    "this_machine",
    "what_if",
    "wheel_facts",
]


def __getattr__(name: str) -> object:
    if name not in _PART_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PART_OF[name]}"), name)
