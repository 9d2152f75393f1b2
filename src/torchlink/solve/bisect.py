"""Which release broke a set that is resolved anew each time, and when: a search over the days of releases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from packaging.version import InvalidVersion, Version

from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Finding
from torchlink.model.reference import PartyType, Severity
from torchlink.model.report import Report
from torchlink.solve.ask import Asked
from torchlink.solve.moves import moved, moves_in_words
from torchlink.solve.resolving import pins_of
from torchlink.solve.uv import UnsatisfiableError
from torchlink.solve.wheel_set import Judge, WheelSet, wheel_set

Tell = Callable[[str, int, int], None]
MOST_NAMED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Broke:
    """When it broke."""

    sentence: str
    report: Report
    """Of the first set that is broken."""


@dataclass(frozen=True, slots=True)
class _At:
    """A moment, and what could be installed then."""

    when: str
    answer: WheelSet
    report: Report


def bisect(asked: Asked, report: Report, judge: Judge, tell: Tell) -> Broke:
    """Find the release after which today's first break is there.

    Args:
        asked: the question, resolved today.
        report: what is found today.
        judge: links a set.
        tell: told how many moments are left to look at.

    Raises:
        TorchlinkError: nothing is broken today, nothing was ever right, or an index does not answer.
    """
    broken = next((one for one in report.findings if one.severity is Severity.BREAK), None)
    if broken is None:
        raise TorchlinkError("nothing is broken today, so nothing broke it", mend="ask without --bisect")
    moments = _moments(broken, asked)
    good, bad, left = None, _At("today", asked.answer, report), moments
    while left:
        tell("looking for the release that broke it", len(moments) - len(left), len(moments))
        middle = len(left) // 2
        at = _then(left[middle], asked, judge)
        if at is None or not _has(at.report, broken):
            good = at or good
            left = left[middle + 1 :]
        else:
            bad, left = at, left[:middle]
    if good is None:
        raise TorchlinkError(
            f"no earlier set without it is known: {broken.title}",
            mend="its requirements may never have worked together",
        )
    return Broke(sentence=_sentence(good, bad), report=bad.report)


def _sentence(good: _At, bad: _At) -> str:
    changes = moved(good.answer.versions, bad.answer.versions)
    words = moves_in_words(good.answer.versions, changes, (), _parties(bad.report), MOST_NAMED)
    when = "since then" if bad.when == "today" else f"on {bad.when[:10]}"
    return f"it broke {when}: {words}; the set of {good.when[:10]} links"


def _parties(report: Report) -> frozenset[str]:
    return frozenset(party.name for one in report.findings[:1] for party in (one.needer, one.provider))


def _has(report: Report, broken: Finding) -> bool:
    return any(one.id == broken.id and one.severity is Severity.BREAK for one in report.findings)


def _then(when: str, asked: Asked, judge: Judge) -> _At | None:
    """What could be installed at a moment; ``None`` where nothing could."""
    try:
        pins = pins_of(replace(asked.uv, as_of=when), asked.wish)
    except UnsatisfiableError:
        return None
    answer = wheel_set(pins, asked.wheels, asked.answer.interpreter)
    return _At(when, answer, judge(answer))


def _moments(broken: Finding, asked: Asked) -> Sequence[str]:
    """The moments just after each release of what is at fault, oldest first."""
    parties = (broken.needer, broken.provider)
    names = {party.name for party in parties if party.type is PartyType.PACKAGE and party.name in asked.present}
    return sorted({moment for name in names for moment in _releases(name, asked)})


def _releases(name: str, asked: Asked) -> set[str]:
    last: dict[str, str] = {}
    for file in asked.wheels.files(name):
        if file.uploaded and _is_final(file.version):
            last[file.version] = max(file.uploaded, last.get(file.version, ""))
    return {_just_after(moment) for moment in last.values()}


def _is_final(version: str) -> bool:
    try:
        return not Version(version).is_prerelease
    except InvalidVersion:
        return False


def _just_after(moment: str) -> str:
    parsed = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return (parsed.replace(microsecond=0) + timedelta(seconds=1)).isoformat()
