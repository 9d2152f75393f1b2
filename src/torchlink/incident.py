"""Gathers an incident: from what is broken now, or from a change that has mended it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from torchlink import change, pipeline
from torchlink.apply.journal import entries
from torchlink.apply.transaction import kept_report
from torchlink.model.errors import TorchlinkError
from torchlink.model.finding import Finding
from torchlink.model.incident import Incident, Reference
from torchlink.model.matrix import Matrix
from torchlink.model.question import Question
from torchlink.model.reference import PartyType, Severity
from torchlink.model.report import Report
from torchlink.model.transaction import State

NEAR = 3
"""So many releases on both sides of the one at hand are shown in a matrix."""


def incident(
    at: change.Place,
    *,
    number: int | None = None,
    since: str = "",
    question: Question | None = None,
    progress: pipeline.Progress,
) -> Incident:
    """Gather what is known.

    Args:
        at: the environment and the project.
        number: the change to tell of; by default what is broken now, or the latest change where nothing is.
        since: a moment that the environment is compared with, as in `change.difference`.
        question: which index is asked for alternatives and the matrix.
        progress: told how far the work has come.

    Raises:
        TorchlinkError: there is nothing to tell of, or the change is not known.
    """
    question = question or Question()
    now = pipeline.check(at.project, python=at.python, cache=at.cache, progress=progress)
    broken = any(one.severity is Severity.BREAK for one in now.findings)
    if number is None and broken:
        report = pipeline.fix(question, at.project, python=at.python, cache=at.cache, progress=progress)
        found = Incident(report=report, chosen=report.plans[0] if report.plans else None)
    else:
        found = _carried_out(at, number, now)
    difference = change.difference(at, since, "now") if since else None
    return replace(
        found,
        difference=difference,
        matrices=tuple(_matrices(found.report, question, at, progress)),
        references=tuple(_references(found.report)),
    )


def _carried_out(at: change.Place, number: int | None, now: Report) -> Incident:
    over = [entry for entry in entries(at.prefix) if entry.state() in (State.COMMITTED, State.UNDONE)]
    over = [entry for entry in over if number in (None, entry.id)]
    if not over:
        what = "nothing is broken, and nothing was changed" if number is None else f"there is no change {number}"
        raise TorchlinkError(what, where=str(at.prefix), mend="see torchlink history")
    entry = over[-1]
    done = entry.transaction()
    kept = kept_report(entry)
    return Incident(
        report=replace(kept, target=replace(kept.target, path=str(at.prefix))),
        chosen=done.plan,
        change=done,
        after=now if done.state is State.COMMITTED else None,
    )


def _matrices(report: Report, question: Question, at: change.Place, progress: pipeline.Progress) -> Iterator[Matrix]:
    """Around the two packages of the worst finding, where an index tells of them."""
    pair = next((pair for one in report.findings if (pair := _pair(one))), None)
    if pair is None:
        return
    ours = replace(question, python_version=".".join(report.target.python.split(".")[:2]))
    with suppress(TorchlinkError):
        for one in pipeline.matrix(list(pair), ours, linked=False, cache=at.cache, progress=progress):
            yield _near(one, pair)


def _pair(finding: Finding) -> dict[str, str]:
    """The versions of both sides, where both are packages."""
    both = (finding.needer, finding.provider)
    if all(one.type is PartyType.PACKAGE and one.version for one in both) and both[0].name != both[1].name:
        return {one.name: one.version for one in both}
    return {}


def _near(matrix: Matrix, pair: dict[str, str]) -> Matrix:
    rows = _around(matrix.rows, pair[matrix.row_package])
    columns = _around(matrix.columns, pair[matrix.column_package])
    cells = {(row, column): matrix.cells[row, column] for row in rows for column in columns}
    return replace(matrix, rows=rows, columns=columns, cells=cells)


def _around(versions: tuple[str, ...], version: str) -> tuple[str, ...]:
    """Those beside a version: a matrix lists the newest of each minor release alone."""
    public = version.partition("+")[0]
    minor = public.split(".")[:2]
    places = [place for place, one in enumerate(versions) if one == public or one.split(".")[:2] == minor]
    middle = places[0] if places else 0
    return versions[max(0, middle - NEAR) : middle + NEAR + 1]


def _references(report: Report) -> Iterator[Reference]:
    from torchlink.rules.behaviour import behaviour_rules

    wanted = {one.rule for one in report.findings if one.rule}
    for rule in behaviour_rules() if wanted else ():
        if rule.code in wanted:
            for seen in rule.evidence:
                yield Reference(rule=rule.code, release=seen.release, file=seen.file, detail=seen.detail)
