"""``pin``: the files of one project must agree about the versions that they want.

Only pins that can hold together are compared: not those of two extras, of two branches of a script, or of two files
that are made for different machines (``requirements-cpu.txt``, ``requirements-cuda.txt``).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import PurePosixPath

from torchlink.link.builds import agree, compute_platform
from torchlink.link.ranges import admits, exclude
from torchlink.model.names import distribution_of
from torchlink.model.pins import FileKind, Indexes, Notation, Pin, PinFile, PinSurvey, Role, Step
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity, Undecided

_COMPARED = (Role.REQUIREMENT, Role.CONSTRAINT, Role.OVERRIDE, Role.VARIABLE)
_MOST_PINS = 300
_TAG = re.compile(r"cpu|xpu|cu\d{2,3}|rocm\d+\.\d+(?:\.\d+)?|cpu\.cxx11\.abi|rocm\d+\.\d+(?:\.\d+)?\.\w[\w.]*")
"""A local version as the PyTorch indexes write it."""
_ALMOST_TAG = re.compile(r"(?:cu|cuda|rocm|hip|cpu|xpu)[\d._]*", re.IGNORECASE)
_INDEX_TAG = re.compile(r"/(?P<tag>cpu|xpu|cu\d{2,3}|rocm\d+\.\d+(?:\.\d+)?)/*(?:$|[?#])")
_SHELL_NAME = re.compile(r"\$\{?\w+")
_VARIANT = re.compile(
    r"(?<![a-z])(?:cpu|gpu|cuda|cu\d+|nvidia|rocm|hip|amd|xpu|intel|ipex|npu|ascend|mps|mac(?:os)?|darwin|win(?:dows)?"
    r"|linux|arm64|aarch64|directml|musa|wsl|colab|jetson)(?![a-z])",
    re.IGNORECASE,
)

Placed = tuple[PinFile, Pin]
"""A pin and the file that it stands in."""


def link_pins(survey: PinSurvey) -> Links:
    """Compare the pins of a project with each other."""
    by_name = placed_pins(survey)
    broken = [
        one
        for name, placed in sorted(by_name.items())
        for one in (*_disagreements(name, placed), *_stale_locks(name, placed))
    ]
    broken.extend(_tags(survey))
    broken.extend(_lost_bounds(survey))
    undecided = [
        Undecided(
            kind=Kind.PIN, artifact=f"{one.file}:{one.line}" if one.line else one.file, reason=one.reason, reached=False
        )
        for one in (*survey.unread, *(unread for file in survey.files for unread in file.unread))
    ]
    undecided.extend(
        Undecided(kind=Kind.PIN, artifact=pin.place.label, reason=f"{pin.name}{pin.wanted}: {pin.note}", reached=False)
        for pin in survey.pins
        if pin.specifier is None and pin.note
    )
    return Links(broken=tuple(broken), undecided=tuple(undecided), references=len(survey.pins))


def placed_pins(survey: PinSurvey) -> dict[str, list[Placed]]:
    """The pins that bound a version, by the name of the distribution."""
    found: defaultdict[str, list[Placed]] = defaultdict(list)
    for file in survey.files:
        for pin in file.pins:
            if pin.specifier and not pin.url and not _is_row(pin):
                found[distribution_of(pin.name)].append((file, pin))
    return found


def _is_row(pin: Pin) -> bool:
    """A row of a matrix or a table: it lists what is tried, and wants none of it."""
    return pin.role is Role.VARIABLE and pin.context in ("matrix", "table", "string")


# The same package in versions that exclude each other


def _disagreements(name: str, placed: Sequence[Placed]) -> Iterator[Broken]:
    """One reference for each pin that disagrees with others: with the one whose word counts most."""
    compared = [one for one in placed if one[1].role in _COMPARED or one[1].role is Role.MENTION][:_MOST_PINS]
    pairs = [pair for pair in combinations(compared, 2) if _disagree(*pair)]
    against = Counter(id(one[1]) for pair in pairs if _severity(*pair) is not Severity.NOTE for one in pair)
    opponents: dict[int, tuple[Placed, list[Placed]]] = {}
    for pair in pairs:
        reference, odd = sorted(pair, key=lambda one: (told(one), against[id(one[1])], _rank(one)))
        opponents.setdefault(id(odd[1]), (odd, []))[1].append(reference)
    for odd, references in opponents.values():
        # That a document does not say what a file says which is itself the odd one is nothing new.
        references = [one for one in references if id(one[1]) not in opponents] if told(odd) else references
        if not references:
            continue
        yield _disagreement(name, odd, min(references, key=lambda one: (_severity(odd, one).rank, _rank(one))))


def told(placed: Placed) -> bool:
    """Whether nothing is installed from it: its word counts less than any other's."""
    return placed[0].kind in (FileKind.CI, FileKind.DOCUMENT) or placed[1].role is Role.MENTION


def _rank(placed: Placed) -> int:
    """How much a file's word counts against another's."""
    order = (FileKind.MANIFEST, FileKind.SCRIPT, FileKind.SOURCE, FileKind.LOCK, FileKind.CI, FileKind.DOCUMENT)
    return order.index(placed[0].kind)


def _disagree(one: Placed, other: Placed) -> bool:
    if _same_but_for_tag(one[1], other[1]) or not together(one, other):
        return False
    return exclude(one[1].specifier or "", other[1].specifier or "")


def _same_but_for_tag(one: Pin, other: Pin) -> bool:
    """Two builds of one version: that is told by its tag."""
    versions = [pin.clauses[0].version.partition("+") for pin in (one, other) if len(pin.clauses) == 1]
    return len(versions) == 2 and versions[0][0] == versions[1][0] and versions[0][2] != versions[1][2]


def _disagreement(name: str, odd: Placed, reference: Placed) -> Broken:
    file, pin = odd
    return Broken(
        kind=Kind.PIN,
        severity=_severity(odd, reference),
        needer=Party(type=PartyType.FILE, name=file.file),
        provider=Party(type=PartyType.PACKAGE, name=name, version=exact(reference[1])),
        target=f"{name}{shown(pin)}",
        cause=f"{pin.place.label} wants {name}{shown(pin)}, and {reference[1].place.label} wants "
        f"{name}{shown(reference[1])}: no version is both",
        evidence=(seen(pin), seen(reference[1])),
        culprits=("pins",),
    )


def _severity(one: Placed, other: Placed) -> Severity:
    """A risk where both are installed from; a note where one is only tried or told, or belongs to another folder."""
    if told(one) or told(other):
        return Severity.NOTE
    kinds = {one[0].kind, other[0].kind}
    folders = {PurePosixPath(file.file).parent for file, _ in (one, other)}
    if kinds == {FileKind.MANIFEST} and len(folders) == 2:
        return Severity.NOTE
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


# A lock that its manifest no longer admits

_LOCKS = {
    "uv.lock": "pyproject.toml",
    "poetry.lock": "pyproject.toml",
    "pdm.lock": "pyproject.toml",
    "pylock.toml": "pyproject.toml",
    "Pipfile.lock": "Pipfile",
}


def _stale_locks(name: str, placed: Sequence[Placed]) -> Iterator[Broken]:
    locked: defaultdict[str, list[Placed]] = defaultdict(list)
    for file, pin in placed:
        if file.kind is FileKind.LOCK:
            locked[file.file].append((file, pin))
    for path, pins in locked.items():
        manifest = str(PurePosixPath(path).with_name(_LOCKS.get(pins[0][0].format, "")))
        for file, pin in placed:
            if file.file != manifest or pin.role is Role.CONSTRAINT or pin.context == "build":
                continue
            if not any(admits(pin.specifier or "", one.clauses[0].version) for _, one in pins if one.clauses):
                yield _stale(name, pins[0], (file, pin))


def _stale(name: str, lock: Placed, manifest: Placed) -> Broken:
    version = lock[1].clauses[0].version
    return Broken(
        kind=Kind.PIN,
        severity=Severity.RISK,
        needer=Party(type=PartyType.FILE, name=lock[0].file),
        provider=Party(type=PartyType.PACKAGE, name=name, version=version),
        target=f"{name} {version}",
        cause=f"{lock[0].file} holds {name} {version}, which {manifest[1].place.label} no longer admits: it wants "
        f"{name}{shown(manifest[1])}",
        evidence=(seen(manifest[1]), seen(lock[1])),
        culprits=("pins",),
    )


# Tags: +cu121, +rocm5.7


def _tags(survey: PinSurvey) -> Iterator[Broken]:
    tagged = [
        (file, pin)
        for file in survey.files
        for pin in file.pins
        if pin.role in _COMPARED and "+" in exact(pin) and not _is_row(pin)
    ]
    for placed in tagged:
        yield from _misspelled(*placed)
    yield from _mixed(tagged)
    for file in survey.files:
        inside = {id(pin) for step in file.steps for pin in step.pins}
        for step in file.steps:
            for pin in step.pins:
                yield from _unserved(file, pin, _merged(file.indexes, step.indexes), step)
        if file.kind is FileKind.MANIFEST:
            for pin in file.pins:
                if id(pin) not in inside:
                    yield from _unserved(file, pin, file.indexes, None)


def _misspelled(file: PinFile, pin: Pin) -> Iterator[Broken]:
    tag = exact(pin).partition("+")[2]
    if _ALMOST_TAG.fullmatch(tag) and not _TAG.fullmatch(tag.lower()):
        yield _tag_broken(
            file,
            pin,
            cause=f"{pin.place.label} wants {pin.name} {exact(pin)}; no build is named +{tag}: they are named as "
            "+cu121, +rocm5.7 or +cpu",
            severity=Severity.RISK,
        )


def _mixed(tagged: Sequence[Placed]) -> Iterator[Broken]:
    """The PyTorch family is built for one compute platform; the first tag of the manifest is what the others meet."""
    ordered = sorted(tagged, key=lambda placed: (_rank(placed), placed[1].place.file, placed[1].place.start))
    told: set[int] = set()
    for one, other in combinations(ordered, 2):
        here, there = compute_platform(exact(one[1])), compute_platform(exact(other[1]))
        if not here or not there or agree(here, there) or id(other[1]) in told or not together(one, other):
            continue
        if one[0].file == other[0].file and one[1].context != other[1].context:
            continue
        told.add(id(other[1]))
        yield _tag_broken(
            other[0],
            other[1],
            cause=f"{other[1].place.label} wants a {there} build of {other[1].name}, and {one[1].place.label} a {here} "
            f"build of {one[1].name}",
            severity=_severity(one, other),
            also=one[1],
        )


def _unserved(file: PinFile, pin: Pin, indexes: Indexes, step: Step | None) -> Iterator[Broken]:
    tag = compute_platform(exact(pin))
    if not tag or pin.role not in (Role.REQUIREMENT, Role.VARIABLE) or file.kind is FileKind.DOCUMENT:
        return
    urls = [url for url in (indexes.index, *indexes.extra) if url]
    served = served_tags(indexes)
    if indexes.find_links or (urls and len(served) < len(urls)) or any(agree(tag, one) for one in served):
        return
    if served:
        where, severity = f"the index given with it serves +{served[0]}", Severity.RISK
    elif step is not None and not urls and not step.indexes.no_index:
        where, severity = "no index is given with it, and PyPI takes no local versions", Severity.NOTE
    else:
        return
    yield _tag_broken(file, pin, cause=f"{pin.place.label} wants {pin.name} {exact(pin)}; {where}", severity=severity)


def served_tags(indexes: Indexes) -> list[str]:
    """The compute platforms that indexes are for, by their addresses: ``cu121`` of ``.../whl/cu121``."""
    return [match["tag"] for url in (indexes.index, *indexes.extra) if (match := _INDEX_TAG.search(url))]


def _merged(one: Indexes, other: Indexes) -> Indexes:
    return Indexes(
        index=other.index or one.index,
        extra=(*one.extra, *other.extra),
        find_links=(*one.find_links, *other.find_links),
        no_index=one.no_index or other.no_index,
    )


def _tag_broken(file: PinFile, pin: Pin, *, cause: str, severity: Severity, also: Pin | None = None) -> Broken:
    return Broken(
        kind=Kind.PIN,
        severity=severity,
        needer=Party(type=PartyType.FILE, name=file.file),
        provider=Party(type=PartyType.PACKAGE, name=distribution_of(pin.name)),
        target=f"{distribution_of(pin.name)} {exact(pin)}",
        cause=cause,
        evidence=(seen(pin), *((seen(also),) if also else ())),
        culprits=("pins",),
    )


# Bounds that the shell takes away


def _lost_bounds(survey: PinSurvey) -> Iterator[Broken]:
    for file in survey.files:
        for step in file.steps if file.kind is not FileKind.DOCUMENT else ():
            for pin in step.pins:
                if pin.note and not pin.wanted and "redirection" in pin.note:
                    yield Broken(
                        kind=Kind.PIN,
                        severity=Severity.RISK,
                        needer=Party(type=PartyType.FILE, name=file.file),
                        provider=Party(type=PartyType.PACKAGE, name=pin.name),
                        target=f"a bound on {pin.name}",
                        cause=f"{pin.place.label} has an unquoted > behind {pin.name}: {pin.note}",
                        evidence=(seen(pin),),
                        culprits=("pins",),
                    )


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
