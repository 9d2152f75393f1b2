"""Steps with the requirements files that name indexes read into them, so that what is not reached can be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from torchlink.model.pins import Indexes, PinFile, Step


def with_files(file: PinFile, beside: Sequence[PinFile]) -> PinFile:
    """The same steps; of the files that they name (``-r``), those with indexes are part of them.

    Args:
        file: The file with the steps.
        beside: The files that it names, and those that these name.
    """
    named = {one.file: one for one in beside}
    return replace(file, steps=tuple(_with_files(step, named) for step in file.steps))


def _with_files(step: Step, named: Mapping[str, PinFile]) -> Step:
    for name in step.requirement_files:
        parts = tuple(_parts(name, named, set()))
        if any(part.indexes != Indexes() for part in parts):
            kept = tuple(other for other in step.requirement_files if other != name)
            step = replace(_with_parts(step, parts), requirement_files=kept)
    return step


def _parts(name: str, named: Mapping[str, PinFile], seen: set[str]) -> Iterator[PinFile]:
    """A file and those that it includes, each once."""
    if name in named and name not in seen:
        seen.add(name)
        yield named[name]
        for one in named[name].includes:
            if not one.constraint:
                yield from _parts(one.path, named, seen)


def _with_parts(step: Step, parts: Sequence[PinFile]) -> Step:
    indexes = [step.indexes, *(part.indexes for part in parts)]
    return replace(
        step,
        pins=(*step.pins, *(pin for part in parts for pin in part.pins)),
        constraint_files=(
            *step.constraint_files,
            *(one.path for part in parts for one in part.includes if one.constraint),
        ),
        unread=(*step.unread, *(f"line {one.line} of {part.file}" for part in parts for one in part.unread)),
        indexes=Indexes(
            index=next((one.index for one in reversed(indexes) if one.index), ""),
            extra=tuple(url for one in indexes for url in one.extra),
            find_links=tuple(url for one in indexes for url in one.find_links),
            no_index=any(one.no_index for one in indexes),
        ),
    )
