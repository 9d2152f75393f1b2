"""Signatures × a log's lines → hits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from torchlink.logs.causes import possible_causes
from torchlink.logs.context import Context, frames_near
from torchlink.logs.digest import Digest
from torchlink.logs.facts import Place, facts_of
from torchlink.rules.signatures import Cause, Entry, Signature

_BEFORE, _AFTER = 3, 12
"""Lines around an anchor that a pattern may span."""
_NEARBY = 60
"""Lines before a message in which an installer names what it builds."""
_WINDOW = 8000
"""Characters that a pattern is tried on."""
_MOST = 8
"""Places at which one anchor is looked at."""
_SYMPTOM = 700
"""Characters of a message that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One message that a signature knows."""

    signature: Signature
    causes: tuple[Cause, ...]
    """Those that it may have, the likeliest first; at least one."""
    facts: Mapping[str, str]
    first: int
    """Index of the message's first line in the digest."""
    last: int
    start: int
    """Where it begins in the digest's text."""
    symptom: str
    frames: tuple[str, ...]
    """``train.py:3`` and so on, outermost first."""
    count: int = 1


def find_hits(digest: Digest, entries: Iterable[Entry], context: Context) -> tuple[Hit, ...]:
    """Every message in a log that a signature knows, first to last; of two at one place, the one that says more."""
    present = (entry.signature() for entry in entries if any(anchor in digest.text for anchor in entry.anchors))
    every = [hit for signature in present for hit in _hits(digest, signature, context)]
    every.sort(key=lambda hit: (-hit.signature.weight, hit.start, -len(hit.symptom)))
    kept: list[Hit] = []
    for hit in every:
        if not any(_overlap(hit, other) for other in kept):
            kept.append(hit)
    return tuple(sorted(kept, key=lambda hit: hit.first))


def _overlap(hit: Hit, other: Hit) -> bool:
    return hit.first <= other.last and other.first <= hit.last


def _hits(digest: Digest, signature: Signature, context: Context) -> Iterator[Hit]:
    found: dict[tuple[tuple[str, str | None], ...], Hit] = {}
    for index in sorted(_places(digest, signature)):
        match = _match(digest, signature, index)
        if match is None:
            continue
        key = tuple(sorted(match.groupdict().items()))
        if key in found:
            found[key] = replace(found[key], count=found[key].count + 1)
        elif (hit := _hit(digest, signature, match, context)) is not None:
            found[key] = hit
    yield from found.values()


def _places(digest: Digest, signature: Signature) -> set[int]:
    places: set[int] = set()
    for anchor in signature.anchors:
        position = digest.text.find(anchor)
        for _ in range(_MOST):
            if position < 0:
                break
            index = digest.line_at(position)
            places.add(index)
            end = digest.starts[index] + len(digest.lines[index].text)
            position = digest.text.find(anchor, end)
    return places


def _match(digest: Digest, signature: Signature, index: int) -> re.Match[str] | None:
    """The first of a signature's patterns that matches on, or across, a line."""
    first, last = digest.around(index, _BEFORE, _AFTER)
    last = min(last, digest.starts[index] + _WINDOW)
    for pattern in signature.patterns:
        compiled = re.compile(pattern, re.MULTILINE)
        position = first
        while match := compiled.search(digest.text, position, last):
            if digest.line_at(match.start()) <= index <= digest.line_at(max(match.start(), match.end() - 1)):
                return match
            position = max(match.end(), position + 1)
    return None


def _hit(digest: Digest, signature: Signature, match: re.Match[str], context: Context) -> Hit | None:
    first, last = digest.line_at(match.start()), digest.line_at(max(match.start(), match.end() - 1))
    frames = frames_near(digest, first, last)
    nearby = slice(*digest.around(first, _NEARBY, _AFTER))
    place = Place(frames=frames, nearby=digest.text[nearby], context=context)
    groups = {name: text for name, text in match.groupdict().items() if text}
    facts = facts_of(groups, place, signature.causes[0].provider)
    versions = {**context.versions, "python": context.python}
    causes = possible_causes(signature, facts, versions, digest.text)
    if not causes:
        return None
    lines = (line.text.strip() for line in digest.lines[first : last + 1])
    return Hit(
        signature=signature,
        causes=causes,
        facts=facts,
        first=first,
        last=last,
        start=match.start(),
        symptom="\n".join(line for line in lines if line)[:_SYMPTOM],
        frames=tuple(f"{frame.path}:{frame.line}" for frame in frames),
    )
