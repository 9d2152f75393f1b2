"""Which characters of which files change so that every pin of a package admits one version. Nothing is written here.

A pin that admits the version already stays as it is; an exact one becomes that version; of a range only the bound that
is in the way moves. Only the characters of a version change, in the file's own notation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from torchlink.link.builds import agree, compute_platform
from torchlink.link.pin_pairs import exact, variants
from torchlink.link.pin_tags import served_tags
from torchlink.link.ranges import admits
from torchlink.model.names import distribution_of
from torchlink.model.pins import Clause, Notation, Pin, PinFile, PinSurvey, Place, Role
from torchlink.read.pins.notations import specifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One replacement in one file. Offsets count characters of the decoded text."""

    place: Place
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A pin that does not admit the version and is not changed, with the reason."""

    pin: Pin
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """What is to be done."""

    edits: tuple[Edit, ...] = ()
    left: tuple[Left, ...] = ()
    locks: tuple[Left, ...] = ()
    """What locks hold: only their own tools make them anew."""


def rewriting(survey: PinSurvey, versions: Mapping[str, str], *, documents: bool = False) -> Rewriting:
    """Make every pin of some packages admit a version of each.

    Args:
        survey: The project's pins.
        versions: The version of each package, by its PEP 503 name.
        documents: Whether pins in documents are changed too.
    """
    edits: dict[tuple[str, int], Edit] = {}
    left: list[Left] = []
    locks: list[Left] = []
    for file in survey.files:
        for pin in file.pins:
            version = versions.get(distribution_of(pin.name))
            if version is not None and pin.role is Role.LOCK and not _says(pin, version):
                locks.append(Left(pin=pin, reason="a lock: its own tool makes it anew"))
            if version is None or not _is_ours(pin, documents):
                continue
            found = _edits_of(file, pin, version)
            if isinstance(found, Left):
                left.append(found)
            else:
                edits.update({(edit.place.file, edit.place.start): edit for edit in found})
    for edit in _index_edits(survey, versions, {file for file, _ in edits}):
        edits.setdefault((edit.place.file, edit.place.start), edit)
    ordered = sorted(edits.values(), key=lambda edit: (edit.place.file, edit.place.start))
    return Rewriting(edits=tuple(ordered), left=tuple(left), locks=tuple(locks))


def _is_ours(pin: Pin, documents: bool) -> bool:
    """Locks belong to their tools; a row of a matrix lists what is tried, and a test wants nothing."""
    if pin.role is Role.MENTION:
        return documents
    return pin.role is not Role.LOCK and not (pin.role is Role.VARIABLE and pin.context in ("matrix", "table", "test"))


def _edits_of(file: PinFile, pin: Pin, version: str) -> tuple[Edit, ...] | Left:
    if pin.url:
        return _left_at_address(pin, version)
    if not pin.clauses:
        reason = pin.note or "its version is not known here"
        return Left(pin=pin, reason=reason) if pin.wanted else ()
    wanted = _for_this_file(file, pin, version)
    if _says(pin, wanted):
        return ()
    if pin.hashed:
        return Left(pin=pin, reason="hashes stand beside it: make the file anew with the tool that wrote it")
    if exact(pin):
        return _exactly(pin, pin.clauses[0], wanted)
    return _bounds(pin, wanted)


def _left_at_address(pin: Pin, version: str) -> tuple[Edit, ...] | Left:
    return () if version in pin.url else Left(pin=pin, reason="it is installed from an address")


def _for_this_file(file: PinFile, pin: Pin, version: str) -> str:
    """The version as this pin would have it: conda knows no tags, and a file for another machine keeps its own."""
    public, _, _ = version.partition("+")
    if pin.notation is Notation.CONDA:
        return public
    own, given = compute_platform(exact(pin)), compute_platform(version)
    if own and not agree(own, given) and any(_is_for(word, own) for word in variants(file, pin)):
        return f"{public}+{exact(pin).partition('+')[2]}"
    return version


def _is_for(word: str, platform: str) -> bool:
    """Whether a word in a file's name or a branch speaks of a compute platform."""
    if platform.startswith("cu"):
        return word in ("cuda", "nvidia", "gpu") or word == platform
    if platform.startswith("rocm"):
        return word in ("rocm", "amd", "hip")
    return word == platform or (platform == "xpu" and word in ("intel", "ipex"))


def _says(pin: Pin, version: str) -> bool:
    if exact(pin):
        return exact(pin) == version
    return pin.specifier is not None and admits(pin.specifier, version)


def _exactly(pin: Pin, clause: Clause, version: str) -> tuple[Edit, ...] | Left:
    public, plus, local = version.partition("+")
    if len(clause.places) == 1:
        return (Edit(place=clause.places[0], new=version),)
    if len(clause.places) == 2 and plus:
        texts = (clause.version.partition("+")[0], clause.version.partition("+")[2])
        pairs = zip(clause.places, texts, (public, local), strict=True)
        return tuple(Edit(place=place, new=new) for place, old, new in pairs if old != new)
    return Left(pin=pin, reason=pin.note or "its version is put together from several places")


def _bounds(pin: Pin, version: str) -> tuple[Edit, ...] | Left:
    """Move the bounds that are in the way; the result must admit the version."""
    changed: list[str] = []
    edits: list[Edit] = []
    for clause in pin.clauses:
        own = specifier(f"{clause.operator}{clause.version}", pin.notation)
        new = clause.version
        if own is None or not admits(own, version):
            new = _moved(clause, version)
            if not new or len(clause.places) != 1:
                return Left(pin=pin, reason=f"{clause.operator}{clause.version} is in the way of {version}")
            edits.append(Edit(place=clause.places[0], new=new))
        changed.append(f"{clause.operator}{new}")
    whole = specifier(",".join(changed), pin.notation)
    if not edits or whole is None or not admits(whole, version):
        return Left(pin=pin, reason=f"{pin.wanted} cannot be made to admit {version} by moving a bound")
    return tuple(edits)


def _moved(clause: Clause, version: str) -> str:
    """The version of a bound that is no longer in the way; empty where there is none."""
    public = version.partition("+")[0]
    try:
        wanted, bound = Version(public), Version(clause.version.removesuffix(".*"))
    except (InvalidVersion, ValueError):
        return ""
    length = len(bound.release)
    if clause.operator in ("<", "<=") and wanted >= bound:
        return public if clause.operator == "<=" else _next(wanted.release, length)
    if clause.operator in (">=", "^", "~", "~=") or (clause.operator in ("==", "=", "") and "*" in clause.version):
        places = max(length, 2) if clause.operator == "~=" else length
        parts = ".".join(map(str, (*wanted.release, 0, 0, 0)[:places]))
        below = clause.operator in (">=", "^", "~", "~=") and wanted < bound
        return f"{parts}{'.*' if clause.version.endswith('.*') else ''}" if below or clause.operator != ">=" else ""
    if clause.operator == "=" and not clause.version.endswith("*"):  # conda's prefix
        return ".".join(map(str, wanted.release[:length]))
    return ""


def _next(release: tuple[int, ...], length: int) -> str:
    """The first release behind one, as long as the bound was written: ``<2.3`` becomes ``<2.4``."""
    parts = [*release[:length], *[0] * (length - len(release))]
    parts[-1] += 1
    return ".".join(map(str, parts))


def _index_edits(survey: PinSurvey, versions: Mapping[str, str], edited: set[str]) -> Iterator[Edit]:
    """Indexes of the PyTorch project follow the tag of torch, in the files whose pins change."""
    tag = versions.get("torch", "").partition("+")[2]
    for file in survey.files if tag else ():
        if file.file in edited:
            old = _tags_left_behind(file, versions["torch"])
            yield from (Edit(place=index.place, new=tag) for index in file.index_tags if index.tag in old)


def _tags_left_behind(file: PinFile, version: str) -> set[str]:
    """The compute platforms that torch had in a file, but for those of branches that keep theirs."""
    old: set[str] = set()
    kept: set[str] = set()
    for indexes, pins in ((file.indexes, file.pins), *((step.indexes, step.pins) for step in file.steps)):
        for pin in pins:
            if distribution_of(pin.name) == "torch" and pin.role is not Role.LOCK:
                mine = {exact(pin).partition("+")[2], *served_tags(indexes)} - {""}
                keeps = exact(pin) and _for_this_file(file, pin, version) != version
                (kept if keeps else old).update(mine)
    return old - kept - {version.partition("+")[2]}
