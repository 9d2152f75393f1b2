"""What uv is asked in the place of a step of pip, and what it takes from elsewhere than an index."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torchlink.model.names import distribution_of, normalise
from torchlink.model.pins import Pin, PinFile, Step
from torchlink.read.pins.survey import read_pins
from torchlink.solve.uv import Wish

_REPOSITORY = re.compile(r"(?:git\+)?\w+://.*?/(?P<name>[A-Za-z0-9][\w.-]*?)(?:\.git)?(?:@[^/]*)?(?:#.*)?$")
_PROJECT = re.compile(r"\.(?:\[(?P<extras>[^\]]*)\])?")
_LOCAL = re.compile(r"\+[A-Za-z0-9.]+")


def wish_of(
    step: Step, versions: Mapping[str, str], root: Path, held: Sequence[str], *, plain: bool
) -> tuple[Wish, list[str]]:
    """What uv is asked for a step, and what of the step is only inferred.

    Args:
        step: The step.
        versions: What is installed before it.
        root: The project's folder.
        held: Constraints.
        plain: Whether plain releases stand for builds with tags.
    """
    notes: list[str] = []
    lines: list[str] = []
    for pin in step.pins:
        lines.append(_line(pin, plain=plain))
        if pin.url or pin.specifier is None:
            notes.append(f"{pin.name} is taken for its newest release: {pin.note or f'{pin.url} was not looked at'}")
    files, extras = _files(step, root), tuple[str, ...]()
    for other in step.others:
        if project := _PROJECT.fullmatch(other):
            extras = tuple(part.strip() for part in (project["extras"] or "").split(",") if part.strip())
            said = [] if (root / "pyproject.toml").is_file() else _without_running(root, extras, plain=plain)
            files += [] if said else [root / "pyproject.toml"]
            for found, told in said:
                lines += found
                notes += told
        elif repository := _repository(other):
            lines.append(normalise(repository["name"]))
            notes.append(f"{repository['name']} is taken for its newest release: {other} was not looked at")
        else:
            notes.append(f"{other} was not looked at")
    notes += [f"only a run would show what {word} is" for word in step.unread]
    if step.prereleases:
        notes.append("--pre is not played: pre-releases are taken where nothing else fits")
    upgraded = {distribution_of(pin.name) for pin in step.pins} if step.upgrade else set[str]()
    preferred = {} if step.eager else {name: one for name, one in versions.items() if name not in upgraded}
    wish = Wish(
        lines=tuple(lines),
        files=tuple(path for path in files if path.is_file()),
        constraints=tuple(path for name in step.constraint_files if (path := root / name).is_file()),
        extras=extras,
        held=tuple(held),
        preferred={name: _LOCAL.sub("", version) for name, version in preferred.items()},
    )
    notes += [f"{path.name} is not there" for path in files if not path.is_file()]
    return wish, notes


def _without_running(root: Path, extras: Sequence[str], *, plain: bool) -> list[tuple[list[str], list[str]]]:
    """What each of a project's older manifests requires, and what of it is not known: uv would have to run them."""
    wanted = {"", *(f"extra {extra}" for extra in extras)}
    said: list[tuple[list[str], list[str]]] = []
    for path in (root / "setup.cfg", root / "setup.py"):
        for file in read_pins(path).files if path.is_file() else ():
            lines = [_line(pin, plain=plain) for pin in file.pins if pin.context in wanted and not pin.url]
            said.append((lines, [f"{path.name} is read, and not run", *(one.reason for one in file.unread)]))
    return said


def _files(step: Step, root: Path) -> list[Path]:
    return [root / name for name in step.requirement_files]


def _line(pin: Pin, *, plain: bool) -> str:
    """A requirement, without the tag where the plain release stands for it."""
    extras = f"[{','.join(pin.extras)}]" if pin.extras else ""
    specifier = pin.specifier or ""
    marker = f" ; {pin.marker}" if pin.marker else ""
    return f"{pin.name}{extras}{_LOCAL.sub('', specifier) if plain else specifier}{marker}"


def takes_project(step: Step) -> bool:
    """Whether a step installs the project itself: ``pip install -e .``."""
    return any(_PROJECT.fullmatch(other) for other in step.others)


def addressed(step: Step) -> Iterator[str]:
    """The packages that a step takes from an address, whatever release that is."""
    yield from (distribution_of(pin.name) for pin in step.pins if pin.url)
    yield from (normalise(found["name"]) for other in step.others if (found := _repository(other)))


def without_addresses(file: PinFile) -> PinFile:
    """The same steps, with what they take from an address as something that only a run would show."""
    return replace(file, steps=tuple(map(_without_addresses, file.steps)))


def _without_addresses(step: Step) -> Step:
    hidden = (*(pin.url for pin in step.pins if pin.url), *filter(_repository, step.others))
    return replace(
        step,
        pins=tuple(pin for pin in step.pins if not pin.url),
        others=tuple(other for other in step.others if not _repository(other)),
        unread=(*step.unread, *hidden),
    )


def _repository(other: str) -> re.Match[str] | None:
    return None if _PROJECT.fullmatch(other) else _REPOSITORY.match(other)
