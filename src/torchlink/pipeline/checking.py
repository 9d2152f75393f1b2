"""What is installed: found, read, linked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from torchlink import __version__
from torchlink.catalog.cache import cache_folder, open_cache
from torchlink.model.errors import TorchlinkError
from torchlink.pipeline import running
from torchlink.read.environment import Survey, find, survey
from torchlink.read.tree import Tree

if TYPE_CHECKING:
    from torchlink.model.report import Report


def check(
    project: Path | None = None,
    *,
    python: Path | None = None,
    machine: Path | None = None,
    cache: bool = True,
    progress: running.Progress | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Report:
    """Say what is broken in an environment, and why.

    Args:
        project: a folder (or file) of source: what it reaches is judged. Without it, every installed package is.
        python: the interpreter or folder of the environment; by default the project's, or the active one.
        machine: a file of ``torchlink machine --format json``: the machine that it will run on; by default this one.
        cache: whether to use and keep what was read. An unchanged environment and project is answered at once.
        progress: told how far the work has come.
        meanwhile: called once while another process walks the files: what comes after can be imported.

    Raises:
        TorchlinkError: there is no such project or environment, or it cannot be read.
    """
    began = time.perf_counter()
    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    tell = progress or running.silent
    surveyed: Survey | None = None
    try:
        tell("reading the environment", 0, 0)
        place = _find(project, python, machine)
        if place is None:
            return _bare(project, cache=cache, progress=progress)
        surveyed = survey(place, os.environ, store, Tree.ahead)
        from torchlink.pipeline import answers, linking

        if meanwhile is not None:
            meanwhile()
        source = None if project is None else linking.read_project(project)
        target = linking.this_machine(os.environ) if machine is None else linking.other_machine(machine)
        key = answers.report_key(surveyed, source, target)
        report = answers.remembered(store, key) if surveyed.tree.complete else None
        if report is None:
            from torchlink.read.subject import installed

            with running.without_collector():
                answer = running.in_deep_thread(
                    lambda: linking.link(installed(surveyed, store), source, store, tell, target)
                )
            report = answer.report
            if surveyed.tree.complete:
                answers.remember(store, key, answer)
        return replace(report, elapsed_s=round(time.perf_counter() - began, 3))
    finally:
        if surveyed is not None:
            surveyed.tree.stop()
        store.close()


def _find(project: Path | None, python: Path | None, machine: Path | None) -> Path | None:
    """The environment; ``None`` for a project without one whose own files say what it would be made of.

    Raises:
        TorchlinkError: there is none, and no such files.
    """
    try:
        return find(project, python, os.environ)
    except TorchlinkError:
        from torchlink.pipeline import questions

        if project is None or python is not None or machine is not None or not questions.requirement_files(project):
            raise
        return None


def _bare(project: Path | None, *, cache: bool, progress: running.Progress | None) -> Report:
    from torchlink.model.question import Question
    from torchlink.pipeline import questions

    report = questions.what_if(Question(fresh=True), project, cache=cache, progress=progress)
    note = "; ".join(
        part for part in ("no environment was found, so its requirements were resolved", report.target.note) if part
    )
    return replace(report, target=replace(report.target, note=note))
