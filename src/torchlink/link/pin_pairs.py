"""Two pins: whether they may hold in one environment, and how much that they disagree counts."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath

from torchlink.model.names import distribution_of
from torchlink.model.pins import FileKind, Notation, Pin, PinFile, PinSurvey, Role
from torchlink.model.reference import Evidence, Severity

COMPARED = (Role.REQUIREMENT, Role.CONSTRAINT, Role.OVERRIDE, Role.VARIABLE)
"""Roles that want a version."""
_SHELL_NAME = re.compile(r"\$\{?\w+")
_VARIANT = re.compile(
    r"(?<![a-z])(?:cpu|gpu|cuda|cu\d+|nvidia|rocm|hip|amd|xpu|intel|ipex|npu|ascend|mps|mac(?:os)?|darwin|win(?:dows)?"
    r"|linux|arm64|aarch64|directml|musa|wsl|colab|jetson)(?![a-z])",
    re.IGNORECASE,
)

Placed = tuple[PinFile, Pin]
"""A pin and the file that it stands in."""


def placed_pins(survey: PinSurvey) -> dict[str, list[Placed]]:
    """The pins that bound a version, by the name of the distribution."""
    found: defaultdict[str, list[Placed]] = defaultdict(list)
    for file in survey.files:
        for pin in file.pins:
            if pin.specifier and not pin.url and not is_row(pin):
                found[distribution_of(pin.name)].append((file, pin))
    return found


def is_row(pin: Pin) -> bool:
    """A row of a matrix or a table: it lists what is tried, and wants none of it."""
    return pin.role is Role.VARIABLE and pin.context in ("matrix", "table", "test")


def told(placed: Placed) -> bool:
    """Whether nothing is installed from it: its word counts less than any other's."""
    return placed[0].kind in (FileKind.CI, FileKind.DOCUMENT) or placed[1].role is Role.MENTION


def rank(placed: Placed) -> int:
    """How much a file's word counts against another's."""
    order = (FileKind.MANIFEST, FileKind.SCRIPT, FileKind.SOURCE, FileKind.LOCK, FileKind.CI, FileKind.DOCUMENT)
    return order.index(placed[0].kind)


def severity_of(one: Placed, other: Placed) -> Severity:
    """A risk where both are installed from; a note where one is only tried, told or a default, or lies apart."""
    if told(one) or told(other) or Role.VARIABLE in (one[1].role, other[1].role):
        return Severity.NOTE
    first, second = (PurePosixPath(file.file).parent for file, _ in (one, other))
    if first != second and {one[0].kind, other[0].kind} == {FileKind.MANIFEST}:
        return Severity.NOTE
    if first not in (second, *second.parents) and second not in first.parents:
        return Severity.NOTE  # parts of a project that stand side by side
    if one[0].format == other[0].format and one[0].file != other[0].file and not _includes(one[0], other[0]):
        return Severity.NOTE
    return Severity.RISK


def _includes(one: PinFile, other: PinFile) -> bool:
    return other.file in {each.path for each in one.includes} or one.file in {each.path for each in other.includes}


def together(one: Placed, other: Placed) -> bool:
    """Whether two pins may hold in one environment."""
    (file, pin), (other_file, other_pin) = one, other
    if pin.marker and other_pin.marker and pin.marker != other_pin.marker:
        return False
    if file.file == other_file.file:
        if file.kind in (FileKind.SCRIPT, FileKind.CI, FileKind.SOURCE, FileKind.DOCUMENT):
            # One after the other is a sequence, in which the later one decides.
            return any(pin in step.pins and other_pin in step.pins for step in file.steps)
        return pin.context == other_pin.context or not (pin.context and other_pin.context)
    return not (variants(file, pin) and variants(other_file, other_pin)) or variants(file, pin) == variants(
        other_file, other_pin
    )


def variants(file: PinFile, pin: Pin) -> frozenset[str]:
    """The machines that a pin's file, extra or branch is named for."""
    text = f"{file.file} {_SHELL_NAME.sub('', pin.context)} {pin.marker}"
    return frozenset(match.group().lower() for match in _VARIANT.finditer(text))


# Words


def exact(pin: Pin) -> str:
    """The version that a pin is exact about; empty where it is a range."""
    if len(pin.clauses) != 1 or "*" in pin.clauses[0].version:
        return ""
    exact = ("", "==", "===") if pin.notation is not Notation.PEP440 else ("==", "===")
    return pin.clauses[0].version if pin.clauses[0].operator in exact else ""


def shown(pin: Pin) -> str:
    """A range as it follows a name in a sentence."""
    return f" {pin.wanted}" if pin.wanted[:1].isalnum() or pin.notation is Notation.POETRY else pin.wanted


def seen(pin: Pin) -> Evidence:
    """A pin as evidence."""
    context = f" ({pin.context})" if pin.context else ""
    return Evidence(artifact=pin.place.label, detail=f"{pin.name}{shown(pin)}{context}")
