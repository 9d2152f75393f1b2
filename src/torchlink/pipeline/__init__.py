"""The table of contents: find → read → link → solve → report. Every face calls this, and nothing below it."""

from __future__ import annotations

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
