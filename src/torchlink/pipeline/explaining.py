"""An error log, and the environment at hand."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from torchlink import __version__
from torchlink.catalog.cache import cache_folder, open_cache
from torchlink.model.errors import TorchlinkError
from torchlink.model.report import Coverage, Report, Target
from torchlink.pipeline import checking, running
from torchlink.read.environment import find, survey

if TYPE_CHECKING:
    from torchlink.logs.log import Explained, Log


def explain(
    data: bytes,
    *,
    name: str = "log",
    python: Path | None = None,
    environment: bool = True,
    prove: bool = False,
    cache: bool = True,
    progress: running.Progress | None = None,
) -> Report:
    """Say what the errors in a log mean, and what mends them.

    Args:
        data: the log, in whatever encoding.
        name: what it is called in the report.
        python: the interpreter or folder of the environment that it may be of; by default the active one.
        environment: whether to use an environment at all. One that the log speaks against is left out.
        prove: whether to look on the index for changes that are proven to mend what the linker finds.
        cache: as for `check`.
        progress: as for `check`.

    Raises:
        TorchlinkError: ``python`` is no environment, or cannot be read.
    """
    from torchlink.link.cause import judge
    from torchlink.logs.log import explain_log, read_log

    began = time.perf_counter()
    log = read_log(data, name)
    explained = explain_log(log, log.context)
    note, python_version, platform = "", log.context.python, log.context.platform
    if environment and (target := _environment_at_hand(python)) is not None:
        follow = _fixed if prove else _checked
        at_hand = _compare(log, explained, target, cache, progress or running.silent, follow)
        explained, note = at_hand.explained, at_hand.note
        python_version, platform = at_hand.python or python_version, at_hand.platform or platform
    found = explained.answer
    return Report(
        torchlink=__version__,
        verdict=judge(found.findings, explained.unknown),
        elapsed_s=round(time.perf_counter() - began, 3),
        target=Target(kind="log", path=name, python=python_version, platform=platform, note=note),
        findings=found.findings,
        plans=found.plans,
        coverage=Coverage(unknown=len(explained.unknown)),
        undecided=explained.unknown,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _AtHand:
    explained: Explained
    note: str
    python: str = ""
    platform: str = ""


def _environment_at_hand(python: Path | None) -> Path | None:
    """The environment of ``check``; ``None`` where none was asked for and none is active."""
    if python is not None:
        return find(None, python, os.environ)
    try:
        return find(None, None, os.environ)
    except TorchlinkError:
        return None


_Follow = Callable[[Path, Path, bool, running.Progress], Report]
"""Links a project in an environment."""


def _checked(project: Path, python: Path, cache: bool, tell: running.Progress) -> Report:
    return checking.check(project, python=python, cache=cache, progress=tell)


def _fixed(project: Path, python: Path, cache: bool, tell: running.Progress) -> Report:
    from torchlink.model.question import Question
    from torchlink.pipeline.fixing import fix

    return fix(Question(), project, python=python, cache=cache, progress=tell)


def _compare(log: Log, alone: Explained, target: Path, cache: bool, tell: running.Progress, follow: _Follow) -> _AtHand:
    """Explain a log in an environment, if it is of that environment: with its versions, and with what the linker says
    of the imports that failed."""
    from torchlink.logs.log import explain_log
    from torchlink.logs.surroundings import SOURCE, failing_imports, fit, joined, with_versions
    from torchlink.read.environment import environment_of

    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    try:
        tell("reading the environment", 0, 0)
        environment = environment_of(survey(target, os.environ, store))
    finally:
        store.close()
    fitting = fit(log, alone.answer, environment)
    if not fitting.fits:
        return _AtHand(explained=alone, note=f"{environment.prefix} is left out: {fitting.reason}")
    explained = explain_log(log, with_versions(log.context, environment))
    source = failing_imports(log, explained.answer, environment)
    if source:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / SOURCE).write_text(source, encoding="utf-8")
            linked = follow(Path(folder), target, cache, tell)
        explained = replace(explained, answer=joined(explained.answer, linked.findings, linked.plans, log))
    return _AtHand(
        explained=explained,
        note=f"explained with the environment {environment.prefix}: {fitting.reason}",
        python=environment.interpreter.version,
        platform=environment.interpreter.platform,
    )
