"""What uv answers to a wish. Where it has no answer: sources are set aside, and exact pins taken at their word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torchlink.catalog.wheels import Pin, Wheels
from torchlink.model.errors import TorchlinkError
from torchlink.solve.declared import Choice, Declared, declared
from torchlink.solve.network import no_indexes, silent_indexes
from torchlink.solve.source_only import without_sources
from torchlink.solve.uv import UnsatisfiableError, Uv, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """An answer of uv."""

    pins: tuple[Pin, ...]
    wish: Wish
    """What it answers: what exists only as source is not resolved, and belongs to every answer."""
    forced: str = ""
    """Why uv refuses the set, where exact pins are taken at their word all the same."""


def pins_of(uv: Uv, wish: Wish) -> list[Pin]:
    """What uv answers, as pins.

    Raises:
        TorchlinkError: as `Uv.resolve`.
    """
    return [Pin(name=one.name, version=one.version or "0", url=one.url) for one in uv.resolve(wish)]


def resolve(uv: Uv, wish: Wish, wheels: Wheels, markers: Mapping[str, str]) -> Resolution:
    """What uv answers. Where nothing but source exists of what is asked for by name, that release, and all else.

    Args:
        uv: asked.
        wish: what is wanted.
        wheels: the same indexes, with the tags of an interpreter.
        markers: of that interpreter.

    Raises:
        UnsatisfiableError: there is no such set.
        TorchlinkError: uv cannot run, or no index answers.
    """
    try:
        return Resolution(pins=tuple(pins_of(uv, wish)), wish=wish)
    except UnsatisfiableError as error:
        _hold_silence_against(uv, wish)
        told = without_sources(wish, wheels, markers, builds=uv.builds)
        if told is None:
            raise
        try:
            return Resolution(pins=tuple(pins_of(uv, told)), wish=told)
        except UnsatisfiableError:
            raise error from None


def resolve_anyway(uv: Uv, wish: Wish, wheels: Wheels, markers: Mapping[str, str]) -> Resolution:
    """The same; where uv refuses exact pins that contradict each other, what they say all the same, and why.

    People install such sets in two steps, or with ``--no-deps``: what then breaks is the question.

    Raises:
        TorchlinkError: as `resolve`.
    """
    try:
        return resolve(uv, wish, wheels, markers)
    except UnsatisfiableError as error:
        exact = tuple(str(one.requirement) for one in _declared(wish) if one.exact)
        if len(exact) < 2:
            raise
        try:
            pins = pins_of(uv, replace(wish, overrides=exact))
        except UnsatisfiableError:
            raise error from None
        return Resolution(pins=tuple(pins), wish=wish, forced=str(error))


def _hold_silence_against(uv: Uv, wish: Wish) -> None:
    """uv says that there is no set where an index merely fails.

    Raises:
        TorchlinkError: one does not answer, or none of them is an index.
    """
    first = next(iter(_declared(wish)), None)
    if first is None or uv.offline:
        return
    failing = silent_indexes(uv.settings, first.name)
    if not failing:
        other = no_indexes(uv.settings, first.name)
        failing = other if len(other) == len(uv.settings.indexes) else ()
    if failing:
        raise TorchlinkError(
            f"nothing could be resolved, since an index fails: {'; '.join(failing)}",
            mend="check the network and the index, or ask --offline for what was read before",
        )


def _declared(wish: Wish) -> tuple[Declared, ...]:
    return declared(wish.files, wish.lines, Choice(extras=wish.extras, groups=wish.groups))
