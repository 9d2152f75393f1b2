"""Tags of builds in pins (``+cu121``, ``+rocm5.7``): how they are spelled, mixed, and served by the indexes given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from torchlink.link.builds import agree, compute_platform
from torchlink.link.pin_pairs import COMPARED, Placed, exact, is_row, rank, seen, severity_of, together
from torchlink.model.names import distribution_of
from torchlink.model.pins import FileKind, Indexes, Pin, PinFile, PinSurvey, Role, Step
from torchlink.model.reference import Broken, Kind, Party, PartyType, Severity

_TAG = re.compile(r"cpu|xpu|cu\d{2,3}|rocm\d+\.\d+(?:\.\d+)?|cpu\.cxx11\.abi|rocm\d+\.\d+(?:\.\d+)?\.\w[\w.]*")
"""A local version as the PyTorch indexes write it."""
_ALMOST_TAG = re.compile(r"(?:cu|cuda|rocm|hip|cpu|xpu)[\d._]*", re.IGNORECASE)
_PATCHED_ROCM = re.compile(r"rocm[1-5]\.\d+\.\d+")
_PATCHED_ROCM_THERE_ARE = frozenset({"rocm4.0.1", "rocm4.3.1", "rocm4.5.2", "rocm5.1.1", "rocm5.4.2"})
"""On PyTorch's index, by the versions that pip lists of it and by ``uv pip install --help`` (0.13). From ROCm 6 on AMD
serves builds with a third number too, so that nothing is said of those.
"""
_INDEX_TAG = re.compile(r"/(?P<tag>cpu|xpu|cu\d{2,3}|rocm\d+\.\d+(?:\.\d+)?)/*(?:$|[?#])")


def link_tags(survey: PinSurvey) -> Iterator[Broken]:
    tagged = [
        (file, pin)
        for file in survey.files
        for pin in file.pins
        if pin.role in COMPARED and "+" in exact(pin) and not is_row(pin)
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
    if _ALMOST_TAG.fullmatch(tag) and not _is_tag(tag.lower()):
        yield _tag_broken(
            file,
            pin,
            cause=f"{pin.place.label} wants {pin.name} {exact(pin)}; no build is named +{tag}: they are named as "
            "+cu121, +rocm5.7 or +cpu",
            severity=Severity.RISK,
        )


def _is_tag(tag: str) -> bool:
    if _PATCHED_ROCM.fullmatch(tag):
        return tag in _PATCHED_ROCM_THERE_ARE
    return _TAG.fullmatch(tag) is not None


def _mixed(tagged: Sequence[Placed]) -> Iterator[Broken]:
    """The PyTorch family is built for one compute platform; the first tag of the manifest is what the others meet."""
    ordered = sorted(tagged, key=lambda placed: (rank(placed), placed[1].place.file, placed[1].place.start))
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
            severity=severity_of(one, other),
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
