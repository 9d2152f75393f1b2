"""Errors in a log that no signature knows: named, never explained."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

from torchlink.logs.context import CHAINED, TRACEBACK
from torchlink.logs.digest import Digest, Line
from torchlink.logs.match import Hit

_HEAD = re.compile(
    r"^\s{0,8}(?:[A-Za-z_]\w{0,60}\.){0,8}[A-Z]\w{0,80}(?:Error|Exception|Failure|Interrupt|Exit|Fault)(?::\s|\s\(|$)"
    r"|^\s{0,8}(?:ERROR|Error|error|FATAL|fatal error|Exception)(?::\s|\s-\s)\S"
    r"|^\S{1,300}:\d{1,7}(?::\d{1,7})?: (?:(?:fatal )?error: \S|[A-Z]\w{1,80}Error$)"
    r"|^(?:FAILED \S{1,300}|make(?:\[\d+\])?: \*\*\*)"
    r"|^(?:Segmentation fault|Fatal Python error|Killed\b|Aborted\b)"
)
_FOLLOWS = re.compile(
    r"CalledProcessError|ChildFailedError|SystemExit|subprocess-exited|RemoteError|RayTaskError|ERROR: Failed|"
    r"KeyboardInterrupt|metadata-generation-failed"
)
"""Errors that only say that something else failed."""
_MOST = 20
_LONGEST = 300


def unknown_errors(digest: Digest, hits: Iterable[Hit]) -> tuple[Line, ...]:
    """The errors that no hit explains, each once, first to last.

    An error in the same chain of tracebacks as a hit is explained by it. Those that only say that something else has
    failed are told where there is nothing else to tell.
    """
    starts = _chain_starts(digest)
    known = {bisect_right(starts, place) for hit in hits for place in (hit.first, hit.last)}
    heads = {
        line.text.strip()[:_LONGEST]: line
        for index, line in reversed(list(enumerate(digest.lines)))
        if _HEAD.match(line.text) and bisect_right(starts, index) not in known
    }
    found = sorted(heads.values(), key=lambda line: line.number)
    own = [line for line in found if not _FOLLOWS.search(line.text)]
    return tuple(own or ([] if known else found))[:_MOST]


def _chain_starts(digest: Digest) -> list[int]:
    """Where a traceback begins that does not follow from the one before it."""
    starts: list[int] = []
    chained = False
    for index, line in enumerate(digest.lines):
        if line.text.startswith(CHAINED):
            chained = True
        elif TRACEBACK in line.text:
            if not chained:
                starts.append(index)
            chained = False
    return starts
