"""A few facts of a released wheel, read over HTTP ranges from the members that matter.

What asks NumPy for its C API is an extension module; the libraries of more than 64 MB (packed) that torch and its kin
carry are compute kernels, and are passed over. In files that are not ELF (Windows, macOS) NumPy's names are looked for
in the bytes as they are: strings of both formats are stored plainly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.requirements import InvalidRequirement, Requirement

from torchlink.model.errors import UnreadableError
from torchlink.model.exports import Exports, exporting_all, only
from torchlink.model.native import NativeFacts, NativeLibrary, NumpyAbi
from torchlink.model.release import ReleaseFact
from torchlink.read.elf_image import MAGIC
from torchlink.read.index import IndexFile
from torchlink.read.metadata import parse_core_metadata
from torchlink.read.native import numpy_of, read_native
from torchlink.read.walk import is_native_name
from torchlink.read.wheel_archive import HeldStorage, Member, WheelArchive

MOST_PACKED = 64 * 2**20
_CAPSULE = b"PyCapsule_GetPointer"
_TORCH = ("libtorch", "libc10")
_TORCH_NAME = re.compile(r"c10|2at|5torch|^aoti_torch_|^torch_")


def read_release(archive: WheelArchive, file: IndexFile, name: str, torch_exports: Exports) -> ReleaseFact:
    """Read what matters of a wheel.

    Args:
        archive: the wheel.
        file: what the index says of it.
        name: its package.
        torch_exports: what the releases of torch export.

    Raises:
        UnreadableError: it has no metadata.
        UnreachableError: its server stops answering.
    """
    metadata = next((one for one in archive.members if one.name.endswith(".dist-info/METADATA")), None)
    if metadata is None:
        raise UnreadableError("has no metadata", where=file.filename)
    core = parse_core_metadata(archive.packed(metadata).unpacked(metadata.name))
    requires = tuple(line for line in core.requires if _is_plain(line))
    natives = [one for one in archive.members if is_native_name(one.name)]
    seen = [(one.name, facts) for one in natives if (facts := _facts(archive, one)) is not None]
    numpy = _numpy(seen)
    torch, exporting, where = ("", (), "") if name == "torch" else _torch(seen, requires, file.version, torch_exports)
    return ReleaseFact(
        name=name,
        version=file.version,
        filename=file.filename,
        sha256=file.sha256,
        size=file.size,
        uploaded=file.uploaded,
        requires=requires,
        requires_python=core.requires_python,
        numpy=numpy[0],
        numpy_seen=numpy[1],
        numpy_level=numpy[2],
        torch=torch,
        torch_exporting=exporting,
        torch_lacking=tuple(one for one in torch_exports.releases if one not in exporting) if exporting else (),
        torch_seen=where,
        unread=len(natives) - len(seen),
    )


_Seen = tuple[NumpyAbi, str, bool, NativeLibrary | None]
"""NumPy's generation, its level, whether torch's C++ interface is used, and the library that uses it."""


def _facts(archive: WheelArchive, member: Member) -> _Seen | None:
    if member.packed > MOST_PACKED:
        return None
    try:
        storage = archive.held(member)
        if storage.read_at(0, 4) == MAGIC:
            return _of_elf(read_native(member.name, storage))
        return _of_bytes(storage)
    except UnreadableError:
        return None


def _of_elf(facts: NativeFacts) -> _Seen:
    library = facts.library
    uses = any(name.startswith(_TORCH) for name in library.needed)
    return (
        facts.numpy,
        facts.numpy_level,
        uses and any("c10" in symbol or "2at" in symbol for symbol in library.undefined),
        library if uses else None,
    )


def _of_bytes(storage: HeldStorage) -> _Seen:
    data = storage.read_at(0, storage.size)
    if _CAPSULE not in data:
        return NumpyAbi.NONE, "", False, None
    generation, level = numpy_of(data)
    return generation, level, b"c10.dll" in data.lower() or b"libc10.dylib" in data, None


def _numpy(seen: Sequence[tuple[str, _Seen]]) -> tuple[NumpyAbi, str, str]:
    """The older generation of any member, the member, and the level."""
    for generation in (NumpyAbi.NUMPY_1, NumpyAbi.NUMPY_2, NumpyAbi.UNKNOWN):
        members = [(name, facts[1]) for name, facts in seen if facts[0] is generation]
        if members:
            levels = [level for _, level in members if level]
            level = max(levels, key=lambda one: tuple(map(int, one.split("."))), default="")
            return generation, members[0][0], level
    return NumpyAbi.NONE, "", ""


def _torch(
    seen: Sequence[tuple[str, _Seen]], requires: Sequence[str], version: str, exports: Exports
) -> tuple[str, tuple[str, ...], str]:
    """The torch that the C++ of a wheel was built for, by its metadata's exact pin; without one, the releases that
    export what it needs; and what shows it."""
    member = next((name for name, facts in seen if facts[2]), "")
    if not member:
        return "", (), ""
    for line in requires:
        requirement = Requirement(line)
        pins = [one.version for one in requirement.specifier if one.operator == "=="]
        if requirement.name == "torch" and len(pins) == 1:
            minor = ".".join(pins[0].removesuffix(".*").partition("+")[0].split(".")[:2])
            return minor, (), f"{member} uses torch's C++ interface, and its metadata says {line}"
    users = [facts[3] for _, facts in seen if facts[3] is not None and facts[3].machine == exports.machine]
    needs = (symbol for library in users for symbol in library.undefined if _TORCH_NAME.search(symbol))
    exporting = exporting_all(needs, exports)
    if told := only(exporting, exports.releases):
        return "", exporting, f"{member} uses torch's C++ interface; {told}"
    return "", (), f"{member} uses torch's C++ interface; {version} does not say of which torch"


def _is_plain(line: str) -> bool:
    """Whether a requirement holds without any extra."""
    try:
        return "extra" not in str(Requirement(line).marker or "")
    except InvalidRequirement:
        return False
