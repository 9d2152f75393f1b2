"""Sets that are not installed: resolved, read from their wheels, and judged."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from torchlink import __version__
from torchlink.catalog.cache import cache_folder, open_cache
from torchlink.model.errors import TorchlinkError
from torchlink.model.report import Report
from torchlink.model.store import ByteStore
from torchlink.pipeline import answers, linking, running

if TYPE_CHECKING:
    from torchlink.model.environment import Project
    from torchlink.model.question import Question
    from torchlink.solve.wheel_set import WheelSet


def what_if(
    question: Question,
    project: Path | None = None,
    *,
    python: Path | None = None,
    cache: bool = True,
    progress: running.Progress | None = None,
) -> Report:
    """Say what would break in a set of releases that is not installed, and why.

    Args:
        question: which set, and for which Python and platform.
        project: as in `check`.
        python: the interpreter to judge for; by default the project's, the active one, or the one that runs torchlink.
        cache: whether to use and keep what was read of wheels.
        progress: told how far the work has come.

    Raises:
        TorchlinkError: there is no such file or project, no set satisfies the question, or an index does not answer.
    """
    from torchlink.solve.ask import ask

    began = time.perf_counter()
    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    tell = progress or running.silent
    try:
        source = None if project is None else linking.read_project(project)
        asked = ask(of_project(question, project), project, python, os.environ, store, tell)
        report = judge_set(asked.answer, source, store, tell)
        if question.bisect:
            from torchlink.solve.bisect import bisect

            broke = bisect(asked, report, lambda wheels: judge_set(wheels, source, store, running.silent), tell)
            report = replace(broke.report, target=replace(broke.report.target, note=broke.sentence))
        return replace(report, elapsed_s=round(time.perf_counter() - began, 3), target=asked.target(report.target))
    finally:
        store.close()


def of_project(question: Question, project: Path | None) -> Question:
    """A question about a fresh install, with the files that say what is installed.

    Raises:
        TorchlinkError: the project has none.
    """
    if not question.fresh:
        return question
    files = () if project is None else requirement_files(project)
    if not files:
        raise TorchlinkError(
            "has neither requirements.txt nor a pyproject.toml with dependencies",
            where=str(project or "."),
            mend="name the file with --requirements",
        )
    return replace(question, requirements=files)


def requirement_files(project: Path) -> tuple[Path, ...]:
    """What a project's own files require: ``requirements.txt``, and ``pyproject.toml`` where it has dependencies."""
    from torchlink.solve.declared import declared

    home = project if project.is_dir() else project.parent
    return tuple(path for path in (home / "requirements.txt", home / "pyproject.toml") if declared([path]))


def judge_set(wheels: WheelSet, project: Project | None, store: ByteStore, tell: running.Progress) -> Report:
    """Link a set of wheels as if it were installed; a set that was linked before is answered at once."""
    from torchlink.link.cause import judge

    digest = wheels.digest
    key = answers.digest(digest, project)
    report = answers.remembered(store, key) if digest else None
    if report is None:
        with running.without_collector():
            answer = running.in_deep_thread(
                lambda: linking.link(wheels.subject(store), project, store, tell, asked=wheels.asked)
            )
        report = answer.report
        if digest:
            answers.remember(store, key, answer)
    undecided = tuple(sorted((*wheels.undecided(), *report.undecided), key=lambda one: not one.reached))
    coverage = replace(report.coverage, unknown=len(undecided))
    return replace(report, undecided=undecided, coverage=coverage, verdict=judge(report.findings, undecided))
