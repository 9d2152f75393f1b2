"""From a question to the set of wheels that is judged: read the file that names it, or let uv resolve it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torchlink.catalog.wheels import Pin, Wheels
from torchlink.model.environment import DistributionKind, Interpreter
from torchlink.model.errors import TorchlinkError
from torchlink.model.question import Question
from torchlink.model.report import Target
from torchlink.model.store import ByteStore
from torchlink.read.environment import Survey, environment_of, find, survey
from torchlink.read.frozen import read_frozen
from torchlink.read.requirement_options import requirement_options
from torchlink.solve.declared import Choice, declared
from torchlink.solve.means import means_of
from torchlink.solve.moves import is_same, moves_sentence
from torchlink.solve.poetry import with_poetry
from torchlink.solve.resolving import resolve, resolve_anyway
from torchlink.solve.uv import Uv, Wish
from torchlink.solve.wheel_set import WheelSet, wheel_set

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with its answer, and the means to ask more."""

    question: Question
    answer: WheelSet
    wheels: Wheels
    uv: Uv
    wish: Wish
    present: Mapping[str, str]
    """The versions that there are before anything is changed: installed, or those of the answer."""
    local: frozenset[str] = frozenset()
    """What is installed and is on no index: the project, what came from a place of its own, what conda alone knows."""
    forced: str = ""
    """Why uv refuses the set, where it is judged as it is pinned all the same."""
    untold: tuple[str, ...] = ()
    """What the files say and uv is not told."""

    def target(self, linked: Target) -> Target:
        """The target as the report shows it."""
        question = self.question
        if question.frozen is not None:
            kind, path = "requirements", str(question.frozen)
        elif question.added and self.answer.beneath is not None:
            kind, path = "environment", f"{linked.path} with {', '.join(question.added)}"
        elif self.answer.beneath is not None:
            return linked
        else:
            kind, path = "requirements", ", ".join([*map(str, question.requirements), *question.added])
        note = f"{self.forced.rstrip('.')}. It is judged as it is pinned" if self.forced else linked.note
        note = "; ".join(filter(None, (*self.untold, note)))
        if self.answer.beneath is not None:
            note = moves_sentence(self.present, self.answer.versions)
        return replace(linked, kind=kind, path=path, note=note)


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
    given = None if beneath is None else beneath.installation.interpreter
    means = means_of(question, project, python, variables, store, tell, given)
    interpreter, wheels, driver = means.interpreter, means.wheels, means.uv
    wish = Wish(
        lines=question.added,
        files=question.requirements,
        constraints=(*question.constraints, *requirement_options(question.requirements).constraints),
        extras=question.extras,
        groups=question.groups,
    )
    if beneath is not None:
        return _changed(question, beneath, wish, driver, wheels, tell)
    if question.frozen is not None:
        answer = _frozen(question, question.frozen, driver, wheels, interpreter)
        return Asked(question=question, answer=answer, wheels=wheels, uv=driver, wish=wish, present=answer.versions)
    tell("resolving with uv", 0, 0)
    told = with_poetry(wish, choice_of(question), interpreter.version)
    found = resolve_anyway(driver, told.wish, wheels, interpreter.markers)
    answer = replace(wheel_set(found.pins, wheels, interpreter), asked=_named(question))
    return Asked(
        question=question,
        answer=answer,
        wheels=wheels,
        uv=driver,
        wish=found.wish,
        present=answer.versions,
        forced=found.forced,
        untold=told.notes,
    )


def set_of(asked: Asked, pins: Sequence[Pin]) -> WheelSet:
    """The set of another resolution of the same question."""
    placed = tuple(asked.wheels.place(needed(asked, pins)))
    return replace(asked.answer, placed=placed, removed=(), unclear=())


def needed(asked: Asked, pins: Sequence[Pin]) -> Sequence[Pin]:
    """Those pins whose wheels make the set: beneath which an environment is installed, those that it has not."""
    installed = {} if asked.answer.beneath is None else asked.present
    return [pin for pin in pins if pin.name not in installed or not is_same(installed[pin.name], pin.version)]


def _beneath(
    question: Question, project: Path | None, python: Path | None, variables: Mapping[str, str], store: ByteStore
) -> Survey | None:
    """The installed environment that the question is about, or that ``--with`` changes."""
    if question.frozen is not None or question.requirements:
        return None
    if question.python_version or question.platform:
        return None
    try:
        target = find(project, python, variables)
    except TorchlinkError:
        if not question.added:
            raise
        return None
    return survey(target, variables, store)


def choice_of(question: Question) -> Choice:
    """Which part of a project's requirements a question is about."""
    return Choice(extras=question.extras, groups=question.groups, builds=question.builds and not question.offline)


def _named(question: Question) -> frozenset[str]:
    """What a question asks for by name; empty where extras and groups ask for more than can be told."""
    if (question.extras or question.groups) and any(path.suffix != ".toml" for path in question.requirements):
        return frozenset()
    return frozenset(one.name for one in declared(question.requirements, question.added, choice_of(question)))


def _frozen(question: Question, path: Path, uv: Uv, wheels: Wheels, interpreter: Interpreter) -> WheelSet:
    text = uv.export(path, question.extras, question.groups) if path.name == "uv.lock" else None
    frozen = read_frozen(path, interpreter.markers, text)
    pins = [Pin(name=one.name, version=one.version, url=one.url) for one in frozen.pins]
    return wheel_set(pins, wheels, interpreter, frozen.unclear)


def _changed(question: Question, beneath: Survey, wish: Wish, uv: Uv, wheels: Wheels, tell: Progress) -> Asked:
    """What an install would make of an environment: what it has stays unless something speaks against it."""
    installed = environment_of(beneath).distributions
    present = {one.name: one.version for one in reversed(installed)}
    local = frozenset(
        one.name for one in installed if one.editable or one.direct_url or one.kind is DistributionKind.CONDA
    )
    wish = replace(wish, preferred={name: version.partition("+")[0] for name, version in present.items()})
    bare = WheelSet(placed=(), interpreter=beneath.installation.interpreter, beneath=beneath)
    asked = Asked(question=question, answer=bare, wheels=wheels, uv=uv, wish=wish, present=present, local=local)
    if not question.added:
        return asked
    tell("resolving with uv", 0, 0)
    found = resolve(uv, wish, wheels, bare.interpreter.markers)
    return replace(asked, answer=set_of(asked, found.pins), wish=found.wish)
