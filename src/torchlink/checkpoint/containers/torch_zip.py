"""Zip archives: ``torch.save`` since 1.6, TorchScript, ``torch.package``, ``torch.export``, and zips of anything."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.containers.zip_directory import Directory, Entry, data_offset, read_directory, read_member
from torchlink.checkpoint.contents import Contents, Extent, Format, Problem, Stream
from torchlink.checkpoint.source import MemorySource, Slice, Source
from torchlink.checkpoint.streams import plausible, read_pickles
from torchlink.checkpoint.tensors import StorageRef, storage_ref
from torchlink.checkpoint.values import Persistent
from torchlink.model.errors import UnreadableError

Nested = Callable[[Source, Allowance], Contents | None]
"""Reads a file inside a file; ``None`` where it is of no kind that could hold anything."""

_PICKLE_LIMIT = 96 << 20
_HEAD = 1 << 20
_MOST_PROBLEMS = 100
_RECORDS = ("version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id", ".data/version")
_CODE = re.compile(r"(^|/)code/.*\.py$|\.(py|pyc|so|cubin|dll)$")
_REACHES_OUT = re.compile(rb"\b(ops\.aten\.(save|from_file)|torch\.(save|from_file)|aten::(save|from_file))\b")
_PICKLE_START = re.compile(rb"\x80[\x00-\x05]")


def read_zip(source: Source, allowance: Allowance, nested: Nested) -> Contents:
    """Read an archive. Raises ``UnreadableError`` where it has no directory that torch could read."""
    directory = read_directory(source)
    prefix = _prefix(directory)
    archive = _Archive(source, directory, prefix, _format(directory, prefix), allowance, nested)
    archive.problems.extend(directory.problems)
    archive.read_main()
    archive.read_others()
    return archive.contents()


def _prefix(directory: Directory) -> str:
    """The folder that torch takes for the archive's own: that of the first member."""
    if not directory.entries:
        return ""
    folder, slash, _ = directory.entries[0].name.partition("/")
    return folder + slash if slash else ""


def _format(directory: Directory, prefix: str) -> Format:
    def has(name: str) -> bool:
        return directory.find(prefix + name) is not None

    names = [entry.name for entry in directory.entries]
    if has("constants.pkl"):
        return Format.TORCHSCRIPT
    if has(".data/extern_modules"):
        return Format.TORCH_PACKAGE
    if has("archive_format") or has("archive_version"):
        return Format.TORCH_EXPORT
    if prefix and has("data.pkl"):
        return Format.TORCH_ZIP
    if names and all(name.endswith(".npy") for name in names):
        return Format.NPZ
    return Format.ZIP


@dataclass(slots=True)
class _Archive:
    """What has been read of one archive so far."""

    source: Source
    directory: Directory
    prefix: str
    kind: Format
    allowance: Allowance
    nested: Nested
    streams: list[Stream] = field(default_factory=list)
    storages: dict[str, Extent] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    inner: list[Contents] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    hostile: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    """Local headers of the members that are accounted for; of members with one name there are several."""
    has_main: bool = False

    def contents(self) -> Contents:
        return Contents(
            source=self.source,
            format=self.kind,
            streams=tuple(self.streams),
            main=0 if self.has_main else -1,
            storages=self.storages,
            problems=tuple(self.problems[:_MOST_PROBLEMS]),
            code=tuple(self.code),
            hostile=tuple(self.hostile),
            nested=tuple(self.inner),
            metadata=self._metadata(),
            prefix=self.prefix,
        )

    def read_main(self) -> None:
        """The pickle that ``torch.load`` reads, and the storages that it names."""
        if self.kind not in (Format.TORCH_ZIP, Format.TORCHSCRIPT):
            return
        self.used = {found.header for record in _RECORDS if (found := self.directory.find(self.prefix + record))}
        if self.directory.find(self.prefix + "version") is None and not self.directory.find(
            f"{self.prefix}.data/version"
        ):
            self.problems.append(Problem(detail="no record 'version': torch refuses the archive"))
        main = self.directory.find(self.prefix + "data.pkl")
        if main is None:
            return
        self.used.add(main.header)
        pickles = read_pickles(self._pickle_member(main), "data.pkl", self.allowance)
        self.streams.extend(pickles.streams)
        self.problems.extend(pickles.problems)
        self.has_main = True
        for persistent in self.streams[0].pickle.persistent if self.streams else ():
            self._storage(persistent)

    def _pickle_member(self, entry: Entry) -> bytes:
        """A member's bytes; a wrong CRC is a problem, and no reason not to read on."""
        self.allowance.spend_unpacked(entry.size, self.source.name)
        data, found = read_member(self.source, entry, _PICKLE_LIMIT)
        self.problems.extend(found)
        if self.directory.has_crc and zlib.crc32(data) != entry.crc:
            self.problems.append(Problem(detail=f"{entry.name}: its bytes are not those that its checksum was made of"))
        return data

    def _storage(self, found: Persistent) -> None:
        ref = storage_ref(found)
        if ref is None:
            self.problems.append(Problem(detail=f"a persistent id that names no storage, at byte {found.offset:,}"))
            return
        known = self.storages.get(ref.key) or self._extent(ref)
        if known is not None and ref.size != known.size:
            self.problems.append(
                Problem(detail=f"storage {ref.key} has {known.size:,} bytes, the pickle says {ref.size:,}")
            )

    def _extent(self, ref: StorageRef) -> Extent | None:
        entry = self.directory.find(f"{self.prefix}data/{ref.key}")
        if entry is None:
            # torch writes no record for tensors on the meta device.
            if ref.location != "meta" and ref.size:
                self.problems.append(Problem(detail=f"storage {ref.key} is missing"))
            return None
        known = Extent(entry.header, entry.size, entry.packed, entry.method, True, entry.crc)
        self.storages[ref.key] = known
        self.used.add(entry.header)
        return known

    def read_others(self) -> None:
        """Look into every member that is no tensor of the main pickle."""
        for entry in self.directory.entries:
            if entry.header in self.used or (entry.name.endswith("/") and not entry.size):
                continue
            self.allowance.spend_part(self.source.name)
            if _CODE.search(entry.name):
                self.code.append(entry.name)
            self._look_into(entry)

    def _look_into(self, entry: Entry) -> None:
        offset, found = data_offset(self.source, entry)
        self.problems.extend(found)
        name = f"{self.source.name}!{entry.name}"
        part: Source = Slice(self.source, offset, entry.packed, name)
        if entry.method != 0:
            part = MemorySource(self._pickle_member(entry), name)
        contents = self.nested(part, self.allowance)
        if contents is not None:
            self.inner.append(contents)
            return
        head = part.read(0, _HEAD)
        if entry.name.endswith(".py"):
            self.hostile.extend(f"{entry.name}: {match.group().decode()}" for match in _REACHES_OUT.finditer(head))
            return
        self._try_pickle(entry, part, head)

    def _try_pickle(self, entry: Entry, part: Source, head: bytes) -> None:
        """Take a member for a pickle where its bytes run as one."""
        if not _runs(head, entry.name, self.allowance):
            return
        data = head
        if part.size > len(head):
            self.allowance.spend_unpacked(part.size, part.name)
            if part.size > _PICKLE_LIMIT:
                raise UnreadableError(f"{entry.name}: a pickle of {part.size:,} bytes is too large", where=part.name)
            data = part.read(0, part.size)
        self.streams.extend(read_pickles(data, entry.name, self.allowance).streams)

    def _metadata(self) -> dict[str, str]:
        """The small text records that torch writes beside the pickle."""
        found: dict[str, str] = {}
        for record in _RECORDS:
            entry = self.directory.find(self.prefix + record)
            if entry is not None and entry.size <= 256 and entry.method == 0:
                offset, _ = data_offset(self.source, entry)
                found[record] = self.source.read(offset, entry.size).decode("ascii", "replace").strip()
        return found


def _runs(head: bytes, where: str, allowance: Allowance) -> bool:
    """Whether these first bytes are those of a pickle, rather than of any other data."""
    if _PICKLE_START.match(head):
        return True
    pickles = read_pickles(head, where, allowance, most=1)
    if not pickles.streams:
        return False
    pickle = pickles.streams[0].pickle
    return plausible(head, 0, pickle) if pickle.error else bool(pickle.globals)
