"""Install commands played through, one after the other: what each leaves, and what the finished environment is.

pip looks at the requirements of the command at hand alone. What is installed stays where these admit it, and moves
where they do not, whatever an earlier command had asked for; packages that are not reached stay. uv answers each
command with what is installed as its preferences, which is the same choice. Where they differ is told in docs/pins.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Protocol

from torchlink.link.ranges import admits
from torchlink.model.errors import TorchlinkError
from torchlink.model.names import distribution_of
from torchlink.model.pins import Indexes, PinFile, Place, Step, Tool
from torchlink.pins.commands import addressed, takes_project, wish_of
from torchlink.solve.uv import UnsatisfiableError, Wish

_LOCAL = re.compile(r"\+[A-Za-z0-9.]+")


class Outcome(Enum):
    """What became of a step."""

    INSTALLED = "installed"
    INFERRED = "inferred"
    """Its index, or a place that it installs from, was not asked: the plain releases stood for it."""
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One package before and after a step; empty where it is not installed."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One step, and what it does."""

    number: int
    """From 1."""
    step: Step
    outcome: Outcome
    moves: tuple[Move, ...] = ()
    note: str = ""
    unreached: tuple[str, ...] = ()
    """The indexes of which nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A range that a step asked for."""

    name: str
    specifier: str
    number: int
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A later step that moves a package out of the range that an earlier one asked for."""

    bound: Bound
    played: Played
    move: Move


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A whole sequence."""

    steps: tuple[Played, ...]
    versions: Mapping[str, str]
    """The finished environment, as far as it is known."""
    losses: tuple[Loss, ...]


class Resolver(Protocol):
    """Answers one command."""

    def resolve(self, wish: Wish, indexes: Indexes) -> dict[str, str]:
        """The versions that a command leads to.

        Raises:
            UnsatisfiableError: there are none.
        """
        ...

    def reaches(self, url: str) -> bool:
        """Whether an index answers."""
        ...


def play(
    file: PinFile, root: Path, resolver: Resolver, *, held: Sequence[str] = (), beside: Sequence[PinFile] = ()
) -> Play:
    """Play the install commands of a file through.

    Args:
        file: The file.
        root: The project's folder, which its paths are relative to.
        resolver: Answers each command.
        held: Constraints that are handed to every command.
        beside: Files that its commands name, as far as they were read.
    """
    named = {one.file: one for one in beside}
    versions = {distribution_of(pin.name): pin.clauses[0].version for pin in file.pins if pin.context == "base image"}
    bounds: dict[str, Bound] = {}
    played: list[Played] = []
    losses: list[Loss] = []
    for number, step in enumerate(file.steps, start=1):
        one = _played(number, step, versions, root, resolver, held)
        played.append(one)
        losses += _losses(one, bounds)
        bounds |= _bounds(one, named)
        for move in one.moves:
            if move.new:
                versions[move.name] = move.new
            else:
                versions.pop(move.name, None)
    return Play(steps=tuple(played), versions=dict(sorted(versions.items())), losses=tuple(losses))


def _bounds(played: Played, files: Mapping[str, PinFile]) -> dict[str, Bound]:
    """What a step asks for by itself, and by the files that it names."""
    step = played.step
    if played.outcome not in (Outcome.INSTALLED, Outcome.INFERRED):
        return {}
    named = (files[name] for name in (*step.requirement_files, *step.constraint_files) if name in files)
    pins = (*(pin for file in named for pin in file.pins if not pin.marker), *step.pins)
    return {
        distribution_of(pin.name): Bound(
            name=distribution_of(pin.name), specifier=pin.specifier, number=played.number, place=pin.place
        )
        for pin in pins
        if pin.specifier
    }


def _losses(played: Played, bounds: Mapping[str, Bound]) -> Iterator[Loss]:
    named = {distribution_of(pin.name) for pin in played.step.pins if pin.specifier}
    for move in played.moves:
        bound = bounds.get(move.name)
        if bound is not None and move.new and move.name not in named and not admits(bound.specifier, move.new):
            yield Loss(bound=bound, played=played, move=move)


def _played(
    number: int, step: Step, versions: Mapping[str, str], root: Path, resolver: Resolver, held: Sequence[str]
) -> Played:
    if (reason := _skipped(step)) or (unknown := _unknown(step)):
        outcome = Outcome.SKIPPED if reason else Outcome.UNKNOWN
        return Played(number=number, step=step, outcome=outcome, note=reason or unknown)
    if step.removes:
        names = [distribution_of(pin.name) for pin in step.pins]
        moves = tuple(Move(name=name, old=versions[name], new="") for name in names if name in versions)
        return Played(number=number, step=step, outcome=Outcome.INSTALLED, moves=moves)
    unreached = tuple(url for url in _urls(step.indexes) if not resolver.reaches(url))
    wish, notes = wish_of(step, versions, root, held, plain=bool(unreached))
    notes = [*(f"{url} is not reached: plain releases stand for its builds" for url in unreached), *notes]
    if not wish.lines and not wish.files:
        return Played(number=number, step=step, outcome=Outcome.UNKNOWN, note="; ".join(notes))
    indexes = Indexes() if unreached else step.indexes
    try:
        answer = resolver.resolve(wish, indexes)
    except UnsatisfiableError as error:
        note = "; ".join([*notes, error.what])
        return Played(number=number, step=step, outcome=Outcome.FAILED, note=note, unreached=unreached)
    if step.no_deps:
        named = {distribution_of(pin.name) for pin in step.pins}
        answer = {name: version for name, version in answer.items() if name in named}
    return Played(
        number=number,
        step=step,
        outcome=Outcome.INFERRED if notes else Outcome.INSTALLED,
        moves=tuple(_moves(_tagged(answer, step), versions)),
        note="; ".join(notes),
        unreached=unreached,
    )


def _skipped(step: Step) -> str:
    if step.fetches:
        return "it installs nothing"
    return "the other branch is played" if step.condition.startswith("else of") else ""


def _unknown(step: Step) -> str:
    if step.tool is Tool.CONDA:
        return "conda's solver is not asked"
    if step.tool is Tool.PROJECT:
        return "it changes a manifest, which is resolved as a whole"
    if step.unread and not step.pins and not step.others:
        return f"only a run would show what {', '.join(step.unread)} is"
    return ""


def _urls(indexes: Indexes) -> Iterator[str]:
    yield from (url for url in (indexes.index, *indexes.extra) if url.startswith(("http://", "https://")))


def _tagged(answer: Mapping[str, str], step: Step) -> dict[str, str]:
    """The answer with the tags that the step asked for, where a plain release stood for them."""
    asked = {
        distribution_of(pin.name): pin.clauses[0].version
        for pin in step.pins
        if len(pin.clauses) == 1 and "+" in pin.clauses[0].version
    }
    return {
        name: asked[name] if asked.get(name, "").partition("+")[0] == version else version
        for name, version in answer.items()
    }


def _moves(answer: Mapping[str, str], versions: Mapping[str, str]) -> Iterator[Move]:
    """What changes; a build stays where the same version would be installed, as pip has it."""
    for name, new in sorted(answer.items()):
        old = versions.get(name, "")
        if old != new and not ("+" not in new and _LOCAL.sub("", old) == new):
            yield Move(name=name, old=old, new=new)


def wish_of_all(file: PinFile, played: Play, root: Path) -> Wish:
    """Everything that the steps and the files that they name ask for, at once; what failed is left out.

    Raises:
        UnsatisfiableError: no step was played.
    """
    working = _working(played)
    wishes = [
        wish_of(replace(step, upgrade=False), {}, root, (), plain=True)[0]
        for step in file.steps
        if step.place in working and not step.removes and not step.no_deps
    ]
    found = Wish(
        lines=tuple(dict.fromkeys(line for wish in wishes for line in wish.lines)),
        files=tuple(dict.fromkeys(path for wish in wishes for path in wish.files)),
        constraints=tuple(dict.fromkeys(path for wish in wishes for path in wish.constraints)),
        extras=tuple(dict.fromkeys(extra for wish in wishes for extra in wish.extras)),
    )
    if not found.lines and not found.files:
        raise UnsatisfiableError("no step was played")
    return found


def asked_for(file: PinFile) -> frozenset[str]:
    """The packages that the steps ask for by name, and so import; empty where files say more."""
    if any(step.requirement_files or takes_project(step) for step in file.steps):
        return frozenset()
    named = {distribution_of(pin.name) for step in file.steps for pin in step.pins if not step.removes}
    return frozenset(named.union(*(addressed(step) for step in file.steps)))


def together(file: PinFile, played: Play, resolver: Resolver, root: Path) -> dict[str, str]:
    """One set of versions that all steps together ask for.

    Raises:
        UnsatisfiableError: there is none.
    """
    return as_asked(file, played, resolver.resolve(wish_of_all(file, played, root), Indexes()))


def as_asked(file: PinFile, played: Play, versions: Mapping[str, str]) -> dict[str, str]:
    """Plain versions with the tags of the builds that the steps ask for."""
    found = dict(versions)
    for step in file.steps:
        if step.place in _working(played):
            found = _tagged(found, step)
    return found


def _working(played: Play) -> set[Place]:
    return {one.step.place for one in played.steps if one.outcome in (Outcome.INSTALLED, Outcome.INFERRED)}


def read_one(survey_files: Sequence[PinFile], where: str) -> PinFile:
    """The file with steps that was asked for.

    Raises:
        TorchlinkError: It installs nothing.
    """
    found = [file for file in survey_files if file.steps]
    if not found:
        raise TorchlinkError("no install command was found in it", where=where, mend="name a script or a Dockerfile")
    return found[0]
