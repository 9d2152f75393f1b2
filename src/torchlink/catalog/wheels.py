"""The wheels of released versions: looked up on the user's indexes, read once, and remembered."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from packaging.version import InvalidVersion, Version

from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.store import ByteStore
from torchlink.read.http import UnreachableError, open_url
from torchlink.read.index import IndexFile, best_wheel, files_on_index, files_on_links, local_path
from torchlink.read.index_settings import IndexSettings
from torchlink.read.range_file import NoRangesError, RangeFile
from torchlink.read.sdist import modules_of_sdist
from torchlink.read.wheel import Wheel, is_kept, load, mine
from torchlink.read.wheel_archive import WheelArchive
from torchlink.read.wheel_environment import Placed

Progress = Callable[[str, int, int], None]
MAX_DOWNLOAD = 6 * 2**30
"""The largest file that is fetched whole, from a server that knows no ranges. In bytes."""
SMALL_WHEEL = 256 * 1024
"""Fetched whole and held against its hash: a range saves nothing there."""
THREADS = 4
LARGE = 64 * 2**20
_DAY_S = 86_400
_CHUNK = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One release that is asked for."""

    name: str
    """PEP 503-normalised."""
    version: str
    url: str = ""
    """The wheel itself, where it is named by its place."""


class _Shared:
    """A store that several threads use."""

    def __init__(self, store: ByteStore) -> None:
        self._store = store
        self._lock = threading.Lock()

    def get(self, kind: str, key: str) -> bytes | None:
        """Return what was put, or ``None``."""
        with self._lock:
            return self._store.get(kind, key)

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Remember bytes."""
        with self._lock:
            self._store.put(kind, key, value)


@dataclass(slots=True)
class Wheels:
    """Finds and reads wheels."""

    settings: IndexSettings
    store: ByteStore
    tags: Sequence[str]
    """Supported wheel tags, best first."""
    tell: Progress
    offline: bool = False
    _ranks: Mapping[str, int] = field(init=False)
    _pages: dict[str, tuple[IndexFile, ...]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _large: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _moved: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = _Shared(self.store)
        self._ranks = {tag: rank for rank, tag in reversed(list(enumerate(self.tags)))}

    def place(self, pins: Sequence[Pin]) -> list[Placed]:
        """Read the wheel of every release, several at a time; one that cannot be had says why.

        Raises:
            UnreachableError: no index answers, and what is remembered does not do.
        """
        self._stopped.clear()
        with ThreadPoolExecutor(THREADS) as pool:
            futures = [pool.submit(self._placed, pin) for pin in pins]
            try:
                return [future.result() for future in futures]
            except BaseException:
                self._stopped.set()
                for future in futures:
                    future.cancel()
                raise

    def unread(self, pins: Iterable[Pin]) -> int:
        """How many bytes the wheels of these releases have that are neither here nor remembered."""
        return sum(map(self._unread, pins))

    def _unread(self, pin: Pin) -> int:
        try:
            file, _ = self.chosen(pin)
        except TorchlinkError:
            return 0
        return 0 if local_path(file.url) is not None or is_kept(file.sha256, self.store) else file.size

    def _placed(self, pin: Pin) -> Placed:
        try:
            file, inferred = self.chosen(pin)
            return Placed(
                name=pin.name,
                version=pin.version,
                wheel=self.wheel(file),
                inferred_from=file.version if inferred else "",
                yanked=file.yanked,
                sha256=file.sha256,
                size=file.size,
            )
        except UnreachableError as error:
            if not self.offline:
                raise
            return Placed(name=pin.name, version=pin.version, reason=str(error))
        except UnreadableError as error:
            reason = "; ".join(filter(None, (error.what, error.mend)))
            return Placed(name=pin.name, version=pin.version, reason=reason, modules=self._modules(pin))

    def chosen(self, pin: Pin) -> tuple[IndexFile, bool]:
        """The wheel of a release that an installer takes, and whether it is a sibling build's.

        Raises:
            UnreadableError: there is none for this interpreter.
            UnreachableError: no index answers.
        """
        if pin.url:
            return _named_file(pin), False
        try:
            version = Version(pin.version)
        except InvalidVersion:
            raise UnreadableError(f"{pin.version!r} is no version", where=pin.name) from None
        files = self.release(pin.name, version.public)
        if found := best_wheel(files, version, self._ranks):
            return found, False
        plain = Version(version.public)
        locals_ = sorted({Version(file.version) for file in files if file.is_wheel}, reverse=True)
        if version.local is None:
            # ``==2.1.2`` takes 2.1.2+cpu as well, where an index has it alone.
            candidates = ((best_wheel(files, one, self._ranks), False) for one in locals_)
        else:
            candidates = ((best_wheel(files, one, self._ranks), True) for one in (plain, *locals_))
        for file, inferred in candidates:
            if file is not None:
                return file, inferred
        raise UnreadableError(_why_none(files, pin), where=pin.name)

    def release(self, name: str, public: str) -> tuple[IndexFile, ...]:
        """The files of one release with all its builds, for every platform. Remembered for a day, offline for good.

        Raises:
            UnreachableError: no index answers.
        """
        key = f"{self.settings.digest}:{name}:{public}"
        kept = self.store.get("release", key)
        known = _unpacked(kept) if kept else None
        if known is not None and (self.offline or time.time() - known[0] < _DAY_S):
            return known[1]
        try:
            files = tuple(self._released(name, public))
        except UnreachableError:
            if known is not None:
                return known[1]
            raise
        if files:
            packed = json.dumps([time.time(), [asdict(file) for file in files]]).encode()
            self.store.put("release", key, packed)
        return files

    def files(self, name: str) -> tuple[IndexFile, ...]:
        """All files of a project: those of find-links, and those of every index, in their order.

        An index that refuses to tell of it (some answer so for what they have not) is passed over where another has it.

        Raises:
            UnreadableError: an index gives no page, and no other has files.
            UnreachableError: an index does not answer.
        """
        if self.offline:
            raise UnreachableError(
                f"{name} was not looked up before", mend="ask once with a network, without --offline"
            )
        if name not in self._pages:
            found = [file for place in self.settings.find_links for file in files_on_links(place, name)]
            problems: list[UnreadableError] = []
            for index in self.settings.indexes:
                try:
                    found += files_on_index(index, name)
                except UnreadableError as error:
                    problems.append(error)
            if problems and not found:
                raise problems[0]
            self._pages[name] = tuple(found)
        return self._pages[name]

    def _released(self, name: str, public: str) -> Iterator[IndexFile]:
        return (file for file in self.files(name) if _public(file.version) == public)

    def wheel(self, file: IndexFile) -> Wheel:
        """What a wheel holds: remembered, or read now.

        Raises:
            UnreadableError: it is no wheel, or not the one that the index describes.
            UnreachableError: it cannot be fetched.
        """
        known = load(file.sha256, self.store)
        if known is not None:
            return known
        place = local_path(file.url)
        if place is None and self.offline:
            raise UnreachableError(f"{file.filename} was not read before", mend="ask once without --offline")
        with self._turn(file.size):
            wheel = self._read(file, place)
        wheel.keep()
        return wheel

    def _read(self, file: IndexFile, place: str | None) -> Wheel:
        if place is not None:
            return self._read_local(file, Path(place))
        if 0 < file.size <= SMALL_WHEEL:
            return self._read_whole(file)
        try:
            remote = RangeFile(file.url, file.size)
        except NoRangesError:
            return self._read_whole(file)
        with remote:
            return self._mine(WheelArchive(remote, file.filename, remote.size), file, file.sha256)

    def _read_local(self, file: IndexFile, path: Path) -> Wheel:
        try:
            with path.open("rb") as opened:
                digest = self._digest_of(opened, path)
                _same_hash(file, digest)
                known = load(digest, self.store)
                size = path.stat().st_size
                return known or self._mine(WheelArchive(opened, file.filename, size), file, digest)
        except OSError as error:
            raise UnreadableError(error.strerror or "cannot be read", where=str(path)) from None

    def _digest_of(self, opened: IO[bytes], path: Path) -> str:
        """The SHA-256 of a file that lies here, remembered as long as its size and time stay the same."""
        status = path.stat()
        key = f"{path}:{status.st_size}:{status.st_mtime_ns}"
        if kept := self.store.get("digest", key):
            return kept.decode()
        hasher = hashlib.sha256()
        while chunk := opened.read(_CHUNK):
            hasher.update(chunk)
        opened.seek(0)
        self.store.put("digest", key, hasher.hexdigest().encode())
        return hasher.hexdigest()

    def _read_whole(self, file: IndexFile) -> Wheel:
        """Fetch a wheel whole into a file without a name, which is gone with its last reader."""
        hasher, size = hashlib.sha256(), 0
        answer = open_url(file.url, {"Accept-Encoding": "identity"})
        try:
            with TemporaryFile(prefix="torchlink-") as kept:
                while chunk := answer.read(_CHUNK):
                    size += len(chunk)
                    if size > MAX_DOWNLOAD:
                        raise UnreadableError(f"is larger than {MAX_DOWNLOAD >> 30} GB", where=file.filename)
                    hasher.update(chunk)
                    kept.write(chunk)
                    self._progress(file, size, file.size)
                _same_hash(file, hasher.hexdigest())
                return self._mine(WheelArchive(kept, file.filename, size), file, hasher.hexdigest())
        except OSError as error:
            raise UnreachableError(f"breaks off ({error})", where=file.filename, mend="try again") from None
        finally:
            answer.close()

    def _mine(self, archive: WheelArchive, file: IndexFile, sha256: str) -> Wheel:
        return mine(archive, sha256, self.store, lambda done, total: self._progress(file, done, total))

    def _progress(self, file: IndexFile, done: int, total: int) -> None:
        if self._stopped.is_set():
            raise UnreachableError("was not read to its end", where=file.filename)
        with self._lock:
            self._moved[file.filename] = (done, max(done, total))
            moved = [sum(column) >> 20 for column in zip(*self._moved.values(), strict=True)]
        self.tell("reading wheels, in MB", moved[0], moved[1])

    @contextmanager
    def _turn(self, size: int) -> Iterator[None]:
        """Large wheels one at a time: each may take half a gigabyte of memory."""
        if size < LARGE:
            yield
            return
        with self._large:
            yield

    def _modules(self, pin: Pin) -> tuple[str, ...]:
        """The top-level modules of a release that has no wheel, by its source distribution."""
        try:
            files = self.release(pin.name, Version(pin.version).public) if not pin.url else ()
        except (TorchlinkError, InvalidVersion):
            return ()
        source = next((file for file in files if not file.is_wheel), None)
        if source is None:
            return ()
        key = source.sha256 or source.filename
        kept = self.store.get("sdist-modules", key)
        if kept is None and not self.offline:
            try:
                kept = "\0".join(modules_of_sdist(source)).encode()
            except TorchlinkError:
                return ()
            self.store.put("sdist-modules", key, kept)
        return tuple(name for name in (kept or b"").decode().split("\0") if name)


@contextmanager
def open_archive(file: IndexFile) -> Iterator[WheelArchive]:
    """A wheel that lies here, or on a server that knows ranges.

    Raises:
        UnreadableError: it is no wheel, or cannot be opened.
        UnreachableError: its server does not answer.
    """
    place = local_path(file.url)
    if place is None:
        with RangeFile(file.url, file.size) as remote:
            yield WheelArchive(remote, file.filename, remote.size)
        return
    try:
        with Path(place).open("rb") as opened:
            yield WheelArchive(opened, file.filename, Path(place).stat().st_size)
    except OSError as error:
        raise UnreadableError(error.strerror or "cannot be read", where=place) from None


def _named_file(pin: Pin) -> IndexFile:
    url, _, fragment = pin.url.partition("#")
    filename = url.rpartition("/")[2]
    if not filename.endswith(".whl"):
        raise UnreadableError("is named by a place that is no wheel, so what it holds is not known", where=pin.name)
    digest = fragment.partition("sha256=")[2][:64]
    return IndexFile(filename=filename, url=url, version=pin.version, sha256=digest)


def _same_hash(file: IndexFile, digest: str) -> None:
    if file.sha256 and file.sha256 != digest:
        raise UnreadableError(
            f"is not the file that the index describes: its SHA-256 is {digest[:12]}…, not {file.sha256[:12]}…",
            where=file.filename,
        )


def _why_none(files: Iterable[IndexFile], pin: Pin) -> str:
    found = tuple(files)
    if not found:
        return f"no index that is configured has {pin.name} {pin.version}"
    if not any(file.is_wheel for file in found):
        return f"{pin.name} {pin.version} exists only as source: what its build makes is not known"
    return f"{pin.name} {pin.version} has no wheel for this Python and platform"


def _public(version: str) -> str:
    return version.partition("+")[0]


def _unpacked(data: bytes) -> tuple[float, tuple[IndexFile, ...]] | None:
    try:
        when, rows = json.loads(data)
        return when, tuple(IndexFile(**{**row, "tags": tuple(row["tags"])}) for row in rows)
    except (ValueError, TypeError, KeyError):
        return None
