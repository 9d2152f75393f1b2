"""Changes that mend what is broken, each proven by linking again."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from torchlink import __version__
from torchlink.catalog.cache import cache_folder, open_cache
from torchlink.model.report import Report
from torchlink.pipeline import linking, questions, running

if TYPE_CHECKING:
    from torchlink.model.question import Question


def fix(
    question: Question,
    project: Path | None = None,
    finding: str = "",
    *,
    python: Path | None = None,
    cache: bool = True,
    progress: running.Progress | None = None,
) -> Report:
    """Find changes that mend what is broken, each proven by linking the whole changed set. Nothing is changed.

    Args:
        question: a what-if target, or an empty one for the installed environment.
        project: as in `check`; what its own files require is what plans should not break.
        finding: the id of the one that is to be mended; empty for all that is broken.
        python: as in `check`.
        cache: as in `check`.
        progress: told how far the work has come.

    Raises:
        TorchlinkError: as `what_if`, or there is no such finding.
    """
    from torchlink.solve.ask import ask
    from torchlink.solve.declared import declared
    from torchlink.solve.fix import fixes
    from torchlink.solve.plan import with_plans
    from torchlink.solve.trouble import Trouble

    began = time.perf_counter()
    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    tell = progress or running.silent
    try:
        source = None if project is None else linking.read_project(project)
        question = questions.of_project(question, project)
        asked = ask(question, project, python, os.environ, store, tell)
        report = questions.judge_set(asked.answer, source, store, tell)
        files = question.requirements or (() if project is None else questions.requirement_files(project))
        trouble = Trouble(
            asked=asked,
            report=report,
            declared=declared(files, question.added),
            judge=lambda wheels: questions.judge_set(wheels, source, store, running.silent),
            tell=tell,
            wanted=finding,
        )
        mended = with_plans(replace(report, target=asked.target(report.target)), fixes(trouble))
        return replace(mended, elapsed_s=round(time.perf_counter() - began, 3))
    finally:
        store.close()
