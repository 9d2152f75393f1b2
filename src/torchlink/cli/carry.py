"""``torchlink fix --apply`` and ``--continue``: a plan is carried out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from torchlink.cli.changed import exit_code, show
from torchlink.cli.progress import ShownProgress
from torchlink.cli.step_lines import StepLines
from torchlink.model.errors import TorchlinkError
from torchlink.model.question import Question
from torchlink.model.report import Report
from torchlink.model.transaction import State

_MAX_REPORT = 256 * 2**20


def apply(
    project: Path | None,
    finding: str,
    python: Path | None,
    question: Question,
    *,
    choice: int | None,
    plans: Path | None,
    in_use: bool,
    cache: bool,
    form: str,
) -> int:
    """Carry out one plan: of a saved report, or of one that is made now."""
    from torchlink import change, pipeline

    at = change.place(project, python, cache=cache)
    with _told(form) as progress:
        if plans is not None:
            report = _saved(plans)
        else:
            report = pipeline.fix(question, project, finding, python=python, cache=cache, progress=progress)
        plan = change.choose(report, choice, at.root)
        done = change.apply(
            plan,
            report,
            at,
            even_in_use=in_use,
            index_url=question.index_url,
            offline=question.offline,
            progress=progress,
        )
    show([done], form)
    return exit_code(done, State.COMMITTED)


def resume(project: Path | None, python: Path | None, *, cache: bool, form: str) -> int:
    """Finish the change that was interrupted."""
    from torchlink import change

    with _told(form) as progress:
        done = change.resume(change.place(project, python, cache=cache), progress=progress)
    show([done], form)
    return exit_code(done, State.COMMITTED)


def _told(form: str) -> AbstractContextManager[Callable[[str, int, int], None]]:
    return nullcontext(StepLines()) if form == "json-lines" else ShownProgress()


def _saved(path: Path) -> Report:
    from torchlink.report.json import load

    try:
        if path.stat().st_size > _MAX_REPORT:
            raise TorchlinkError("it is too large for a report", where=str(path))
        return load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise TorchlinkError(f"it cannot be read ({error})", where=str(path), mend="give a JSON report") from error
