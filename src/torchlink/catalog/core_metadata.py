"""A wheel's METADATA alone, without its other gigabyte: beside it on the index (PEP 658 and 714), else a part of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from packaging.utils import parse_wheel_filename
from packaging.version import InvalidVersion, Version

from torchlink.catalog.wheels import Wheels
from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.names import normalise
from torchlink.read.http import UnreachableError, read_url
from torchlink.read.index import NO_METADATA, IndexFile, local_path
from torchlink.read.metadata import parse_core_metadata
from torchlink.read.range_file import NoRangesError, RangeFile
from torchlink.read.wheel import Wheel, load
from torchlink.read.wheel_archive import WheelArchive

MAX_BYTES = 4 * 2**20
_KIND = "core-metadata"


def core_metadata(file: IndexFile, wheels: Wheels) -> bytes:
    """The METADATA of a wheel, remembered by the wheel's SHA-256.

    What lies beside the wheel is taken only if it has the hash that the index gives. Otherwise, and where there is
    none, the wheel's own member is read: that is what an installer ends up with.

    Args:
        file: the wheel on its index.
        wheels: what was read before, and whether an index may be asked.

    Raises:
        UnreadableError: it is no wheel, or has no METADATA.
        UnreachableError: its server does not answer, or may not be asked and it was not read before.
    """
    kept = wheels.store.get(_KIND, file.sha256) if file.sha256 else None
    if kept is not None:
        return kept
    known = load(file.sha256, wheels.store) if file.sha256 else None
    data = _of_wheel(known) if known is not None else _read(file, wheels)
    if file.sha256:
        wheels.store.put(_KIND, file.sha256, data)
    return data


def _read(file: IndexFile, wheels: Wheels) -> bytes:
    place = local_path(file.url)
    if place is not None:
        try:
            with Path(place).open("rb") as opened:
                return _member(WheelArchive(opened, file.filename, Path(place).stat().st_size))
        except OSError as error:
            raise UnreadableError(error.strerror or "cannot be read", where=place) from None
    if wheels.offline:
        raise UnreachableError(
            f"the metadata of {file.filename} was not read before", mend="ask once without --offline"
        )
    return _beside(file) or _inside(file, wheels)


def _beside(file: IndexFile) -> bytes:
    """The file beside the wheel; empty where there is none, or not the one that the index describes.

    It is asked for unless the index says that there is none: many have it and do not announce it.
    """
    if file.metadata == NO_METADATA:
        return b""
    try:
        data, _ = read_url(f"{file.url}.metadata", MAX_BYTES)
    except TorchlinkError:
        return b""
    vouched = file.metadata == hashlib.sha256(data).hexdigest() if file.metadata else _is_of(file, data)
    return data if vouched else b""


def _is_of(file: IndexFile, data: bytes) -> bool:
    """Whether it says that it is of this release: where no hash is given, a server may answer anything."""
    core = parse_core_metadata(data)
    name, version, _, _ = parse_wheel_filename(file.filename)
    try:
        return normalise(core.name) == name and Version(core.version) == version
    except InvalidVersion:
        return False


def _inside(file: IndexFile, wheels: Wheels) -> bytes:
    try:
        with RangeFile(file.url, file.size) as remote:
            return _member(WheelArchive(remote, file.filename, remote.size))
    except NoRangesError:
        return _of_wheel(wheels.wheel(file))


def _member(archive: WheelArchive) -> bytes:
    for member in archive.members:
        if member.name.count("/") == 1 and member.name.endswith(".dist-info/METADATA"):
            return archive.packed(member).unpacked(member.name)
    raise UnreadableError("has no METADATA", where=archive.where)


def _of_wheel(wheel: Wheel) -> bytes:
    return wheel.text(f"{wheel.info}/METADATA")
