"""What a question is answered with: an interpreter to judge for, the user's indexes, and uv."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torchlink.catalog.wheels import Wheels
from torchlink.model.environment import Interpreter
from torchlink.model.question import Question
from torchlink.model.store import ByteStore
from torchlink.read.chosen import chosen_interpreter
from torchlink.read.index_settings import index_settings
from torchlink.read.uv_program import find_uv
from torchlink.solve.uv import Uv

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a question is answered with."""

    interpreter: Interpreter
    wheels: Wheels
    uv: Uv


def means_of(
    question: Question,
    project: Path | None,
    python: Path | None,
    variables: Mapping[str, str],
    store: ByteStore,
    tell: Progress,
    given: Interpreter | None = None,
) -> Means:
    """Choose the interpreter, read the user's configuration, and find uv.

    Args:
        question: what is asked.
        project: the folder whose configuration counts.
        python: an interpreter that is named by its place.
        variables: the environment.
        store: remembers what was read.
        tell: told how far the reading of wheels has come.
        given: the interpreter of the environment that the question is about.

    Raises:
        TorchlinkError: there is no such interpreter, a configuration cannot be read, or uv is missing.
    """
    program = find_uv()
    interpreter = given or chosen_interpreter(
        python, project, question.python_version, question.platform, program, variables, store
    )
    folder = None if project is None else (project if project.is_dir() else project.parent)
    settings = index_settings(folder, variables, question.index_url, question.requirements)
    wheels = Wheels(settings, store, interpreter.tags, tell, offline=question.offline)
    uv = Uv(
        program=program,
        settings=settings,
        python=interpreter.executable if interpreter.executed else "",
        python_version=interpreter.version,
        platform=question.platform or interpreter.platform,
        as_of=question.as_of,
        offline=question.offline,
        builds=question.builds,
        folder=folder,
    )
    return Means(interpreter=interpreter, wheels=wheels, uv=uv)
