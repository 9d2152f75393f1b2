"""Two releases linked: what the bytes of native libraries do not tell, Python source does.

A release is resolved with all that it needs, and the releases of the other package are put into that set one after the
other. Both are imported on paper, and what of one is missing in the other is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from torchlink.catalog.wheels import Pin
from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Finding
from torchlink.model.matrix import Cell, Fit
from torchlink.model.names import normalise
from torchlink.model.reference import Severity, Undecided
from torchlink.model.report import Report
from torchlink.solve.means import Means
from torchlink.solve.resolving import pins_of
from torchlink.solve.uv import UnsatisfiableError, Wish
from torchlink.solve.wheel_set import WheelSet, wheel_set

Judge = Callable[[WheelSet], Report]
Tell = Callable[[str, int, int], None]
MOST_PAIRS = 150
"""More are not linked: each takes up to a second."""
MOST_BYTES = 300 * 2**20
"""Wheels of more bytes that were never read are not fetched for a release's sake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Some releases of two packages."""

    row: str
    column: str
    versions: Sequence[tuple[str, str]]
    """Of both, those to be linked."""


def linked(pairs: Pairs, means: Means, judge: Judge, tell: Tell) -> dict[tuple[str, str], Cell]:
    """Link each pair.

    Args:
        pairs: which.
        means: for which interpreter, and where wheels are.
        judge: links a set.
        tell: told how many are done.

    Raises:
        TorchlinkError: uv cannot run, or no index answers.
    """
    if len(pairs.versions) > MOST_PAIRS:
        why = f"{len(pairs.versions)} pairs are too many to link: give ranges, such as '{pairs.row}>=1.2'"
        return {pair: _unknown(why) for pair in pairs.versions}
    cells: dict[tuple[str, str], Cell] = {}
    for row in dict.fromkeys(row for row, _ in pairs.versions):
        columns = [column for one, column in pairs.versions if one == row]
        answer = _answer(pairs, row, columns, means)
        for column in columns:
            tell(f"linking {pairs.row} with {pairs.column}", len(cells), len(pairs.versions))
            cells[row, column] = answer if isinstance(answer, Cell) else _cell(pairs, row, column, answer, means, judge)
    return cells


def _answer(pairs: Pairs, row: str, columns: Sequence[str], means: Means) -> WheelSet | Cell:
    """A set with a release of the rows; why there is none, as a cell."""
    for line in (f"{pairs.column}=={columns[-1]}", pairs.column):
        try:
            pins = pins_of(means.uv, Wish(lines=(f"{pairs.row}=={row}", line)))
        except UnsatisfiableError as error:
            refused = error.what
            continue
        unread = means.wheels.unread(pin for pin in pins if pin.name != pairs.column)
        if unread > MOST_BYTES:
            return _unknown(
                f"to link it would fetch {unread / 2**20:,.0f} MB of wheels: 'torchlink catalog build' reads them ahead"
            )
        return replace(wheel_set(pins, means.wheels, means.interpreter), asked=frozenset({pairs.row, pairs.column}))
    return _unknown(refused[:300])


def _cell(pairs: Pairs, row: str, column: str, answer: WheelSet, means: Means, judge: Judge) -> Cell:
    try:
        others = [one for one in answer.placed if one.name != pairs.column]
        changed = replace(answer, placed=(*others, *means.wheels.place([Pin(name=pairs.column, version=column)])))
    except TorchlinkError as error:
        return _unknown(error.what)
    return cell_of(judge(changed), (pairs.row, row), (pairs.column, column))


def cell_of(report: Report, one: tuple[str, str], other: tuple[str, str]) -> Cell:
    """What a report says of two of its releases.

    Args:
        report: of a set with both, in which both are imported.
        one: a package's name and version.
        other: that of another.
    """
    names = {one[0], other[0]}
    labels = f"{one[0]} {one[1]} and {other[0]} {other[1]}"
    between = [finding for finding in report.findings if _parties(finding) == names]
    worst = min(between, key=lambda finding: finding.severity.rank, default=None)
    if worst is not None and worst.severity is Severity.BREAK:
        return Cell(fit=Fit.BREAKS, evidence=_told(worst))
    before = next((finding for finding in report.findings if finding.severity is Severity.BREAK), None)
    if before is not None:
        return _unknown(f"importing both fails for another reason: {before.title}")
    if worst is not None and worst.severity is Severity.RISK:
        return _unknown(f"a risk: {_told(worst)}")
    left = next(_left_open(report.undecided, names), None)
    if left is not None:
        return _unknown(f"{left.artifact}: {left.reason}")
    return Cell(fit=Fit.IMPORTS, evidence=f"importing {labels} meets nothing of one that is missing in the other")


def _parties(finding: Finding) -> set[str]:
    return {finding.needer.name, finding.provider.name}


def _told(finding: Finding) -> str:
    seen = next((f"; {one.artifact}: {one.detail}" for one in finding.evidence), "")
    return f"{finding.title}{seen}"


def _left_open(undecided: Iterable[Undecided], names: set[str]) -> Iterator[Undecided]:
    """What could not be decided on a reached path in one of these packages."""
    for one in undecided:
        package = normalise(one.artifact.partition(" ")[0].partition("/")[0].partition(":")[0].removesuffix(".py"))
        if one.reached and package in names:
            yield one


def _unknown(why: str) -> Cell:
    return Cell(fit=Fit.UNKNOWN, evidence=why)
