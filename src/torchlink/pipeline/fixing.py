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
    from torchlink.model.environment import Project
    from torchlink.model.question import Question
    from torchlink.model.reference import Evidence
    from torchlink.read.subject import Subject
    from torchlink.solve.plan import Fixes
    from torchlink.solve.trouble import Trouble


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
    from torchlink.link.behaviour_plans import with_security
    from torchlink.link.detours import with_detours
    from torchlink.rules.behaviour import behaviour_rules
    from torchlink.solve.ask import ask, choice_of
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
        markers = asked.answer.interpreter.markers
        trouble = Trouble(
            asked=asked,
            report=report,
            declared=tuple(one for one in declared(files, question.added, choice_of(question)) if one.holds(markers)),
            judge=lambda wheels: questions.judge_set(wheels, source, store, running.silent),
            tell=tell,
            wanted=finding,
        )
        found = _unsought(trouble) or fixes(trouble)
        mended = with_plans(replace(report, target=asked.target(report.target)), found)
        mended = with_security(mended, behaviour_rules())
        if source is not None and mended.findings:
            mended = with_detours(mended, running.in_deep_thread(lambda: _calls(source, asked.answer.subject(store))))
        return replace(mended, elapsed_s=round(time.perf_counter() - began, 3))
    finally:
        store.close()


def _unsought(trouble: Trouble) -> Fixes | None:
    """Why no fix is looked for: without an index each way to look would end in the same words."""
    from torchlink.solve.network import silent_indexes
    from torchlink.solve.plan import Fixes

    uv = trouble.asked.uv
    names = [party.name for one in trouble.goals for party in (one.needer, one.provider)]
    silent = silent_indexes(uv.settings, names[0]) if names and not uv.offline else ()
    if not silent or len(silent) < len(uv.settings.indexes):
        return None
    return Fixes(plans=(), without=(f"no fix was looked for, since no index answers: {'; '.join(silent)}",))


def _calls(source: Project, subject: Subject) -> tuple[Evidence, ...]:
    """The project's own calls that fail where a part of a package is dead."""
    from torchlink.link.numpy_bridge import bridge_calls
    from torchlink.link.owners import Owners

    return bridge_calls(source, subject.sources, Owners(subject.environment, str(source.root)))
