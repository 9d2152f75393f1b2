"""From a question to the set of wheels that is judged: read the file that names it, or let uv resolve it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torchlink.catalog.wheels import Pin, Wheels
from torchlink.model.environment import Interpreter
from torchlink.model.errors import TorchlinkError
from torchlink.model.question import Question
from torchlink.model.report import Target
from torchlink.model.store import ByteStore
from torchlink.read.chosen import chosen_interpreter
from torchlink.read.environment import Survey, environment_of, find, survey
from torchlink.read.frozen import read_frozen
from torchlink.read.index_settings import index_settings
from torchlink.solve.uv import Uv, Wish, find_uv
from torchlink.solve.wheel_set import WheelSet, wheel_set

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with its answer, and the means to ask more."""

    question: Question
    answer: WheelSet
    wheels: Wheels
    uv: Uv | None
    """Empty for a frozen set of which nothing was resolved."""
    wish: Wish

    def target(self, linked: Target) -> Target:
        """The target as the report shows it."""
        question = self.question
        if question.frozen is not None:
            kind, path = "requirements", str(question.frozen)
        elif question.added and self.answer.beneath is not None:
            kind, path = "environment", f"{linked.path} with {', '.join(question.added)}"
        else:
            kind, path = "requirements", ", ".join([*map(str, question.requirements), *question.added])
        return replace(linked, kind=kind, path=path)


def ask(
    question: Question,
    project: Path | None,
    python: Path | None,
    variables: Mapping[str, str],
    store: ByteStore,
    tell: Progress,
) -> Asked:
    """Find the set that a question is about, and read its wheels.

    Raises:
        TorchlinkError: a file or an interpreter cannot be read, uv finds no set, or an index does not answer.
    """
    beneath = _beneath(question, project, python, variables, store)
    uv = find_uv()
    interpreter = (
        beneath.installation.interpreter
        if beneath is not None
        else chosen_interpreter(python, project, question.python_version, question.platform, uv, variables, store)
    )
    folder = None if project is None else (project if project.is_dir() else project.parent)
    settings = index_settings(folder, variables, question.index_url)
    wheels = Wheels(settings, store, interpreter.tags, offline=question.offline, tell=tell)
    driver = Uv(
        program=uv,
        settings=settings,
        python=interpreter.executable if interpreter.executed else "",
        python_version=interpreter.version,
        platform=question.platform or interpreter.platform,
        as_of=question.as_of,
        offline=question.offline,
        folder=folder,
    )
    wish = Wish(
        lines=question.added,
        files=question.requirements,
        constraints=question.constraints,
        extras=question.extras,
        groups=question.groups,
    )
    if question.frozen is not None:
        answer = _frozen(question.frozen, driver, wheels, interpreter)
    elif beneath is not None:
        answer, wish = _changed(beneath, wish, driver, wheels, tell)
    else:
        tell("resolving with uv", 0, 0)
        answer = wheel_set(pins_of(driver, wish), wheels, interpreter)
    return Asked(question=question, answer=answer, wheels=wheels, uv=driver, wish=wish)


def pins_of(uv: Uv, wish: Wish) -> list[Pin]:
    """What uv answers, as pins.

    Raises:
        TorchlinkError: as `Uv.resolve`.
    """
    return [Pin(name=one.name, version=one.version or "0", url=one.url) for one in uv.resolve(wish)]


def _beneath(
    question: Question, project: Path | None, python: Path | None, variables: Mapping[str, str], store: ByteStore
) -> Survey | None:
    """The installed environment that ``--with`` changes."""
    if question.frozen is not None or question.requirements or not question.added:
        return None
    if question.python_version or question.platform:
        return None
    try:
        target = find(project, python, variables)
    except TorchlinkError:
        return None
    return survey(target, variables, store)


def _frozen(path: Path, uv: Uv, wheels: Wheels, interpreter: Interpreter) -> WheelSet:
    text = uv.export(path) if path.name == "uv.lock" else None
    frozen = read_frozen(path, interpreter.markers, text)
    pins = [Pin(name=one.name, version=one.version, url=one.url) for one in frozen.pins]
    return wheel_set(pins, wheels, interpreter, frozen.unclear)


def _changed(beneath: Survey, wish: Wish, uv: Uv, wheels: Wheels, tell: Progress) -> tuple[WheelSet, Wish]:
    """What an install would make of an environment: what it has stays unless something speaks against it."""
    installed = {one.name: one for one in environment_of(beneath).distributions}
    preferred = {name: one.version for name, one in installed.items() if not one.editable}
    wish = replace(wish, preferred=preferred)
    tell("resolving with uv", 0, 0)
    pins = pins_of(uv, wish)
    moved = [pin for pin in pins if pin.name not in installed or not _same(pin.version, installed[pin.name].version)]
    answer = WheelSet(placed=tuple(wheels.place(moved)), interpreter=beneath.installation.interpreter, beneath=beneath)
    return answer, wish


def _same(one: str, other: str) -> bool:
    return one == other or ("+" not in one and one == other.partition("+")[0])
