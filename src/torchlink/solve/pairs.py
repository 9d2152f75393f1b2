"""Two releases linked: what the bytes of native libraries do not tell, Python source does.

Both are resolved together with all that they need, and imported on paper; what of one is missing in the other is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from torchlink.model.finding import Finding
from torchlink.model.matrix import Cell, Fit
from torchlink.model.names import normalise
from torchlink.model.reference import Severity, Undecided
from torchlink.model.report import Report
from torchlink.solve.means import Means
from torchlink.solve.resolving import pins_of
from torchlink.solve.uv import UnsatisfiableError, Wish
from torchlink.solve.wheel_set import Judge, wheel_set

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
    for pair in pairs.versions:
        tell(f"linking {pairs.row} with {pairs.column}", len(cells), len(pairs.versions))
        cells[pair] = _cell(pairs, *pair, means, judge)
    return cells


def _cell(pairs: Pairs, row: str, column: str, means: Means, judge: Judge) -> Cell:
    try:
        pins = pins_of(means.uv, Wish(lines=(f"{pairs.row}=={row}", f"{pairs.column}=={column}")))
    except UnsatisfiableError as error:
        return _unknown(error.what[:300])
    unread = means.wheels.unread(pins)
    if unread > MOST_BYTES:
        megabytes = f"{unread / 2**20:,.0f} MB"
        return _unknown(f"to link it would fetch {megabytes} of wheels: 'torchlink catalog build' reads them ahead")
    both = frozenset({pairs.row, pairs.column})
    report = judge(replace(wheel_set(pins, means.wheels, means.interpreter), asked=both))
    return cell_of(report, (pairs.row, row), (pairs.column, column))


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
