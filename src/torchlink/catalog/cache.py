"""Derived bytes kept between runs, in an SQLite file under the platform's cache folder.

Several processes may use it at once. Whatever goes wrong with it (a full disk, a read-only home, a broken file), the
answer is "not remembered", never an error: nothing that torchlink says depends on it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

FORMAT = 1
"""The file's own layout. A file of another layout is set aside."""

FILE_NAME = "facts.sqlite3"
_MAX_BYTES = 2 * 1024 * 1024 * 1024
"""The facts of a dozen releases of torch, with the CUDA libraries that come with each, take a fifth of it."""
_MAX_VALUE = 64 * 1024 * 1024
_FLUSH_BYTES = 4 * 1024 * 1024
_KEEP_WHEN_FULL = 0.8
_BUSY_S = 10.0
_MOST_SET_ASIDE = 3
_DAY_S = 86_400
_CHECK_BYTES = 8
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS entry (key BLOB PRIMARY KEY, value BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS used (key BLOB PRIMARY KEY, day INTEGER NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID",
    f"PRAGMA user_version = {FORMAT}",
)


class Cache(Protocol):
    """Remembers bytes between runs; whoever reads facts knows it as ``torchlink.model.store.ByteStore``."""

    def get(self, kind: str, key: str) -> bytes | None:
        """Return what was put under this kind and key, or ``None``."""
        ...

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Remember bytes, as long as there is room."""
        ...

    def close(self) -> None:
        """Write what is not written yet."""
        ...


class NullCache:
    """Remembers nothing: for ``--no-cache``, and where no cache can be kept."""

    __slots__ = ()

    def get(self, kind: str, key: str) -> bytes | None:  # noqa: ARG002 -- the protocol's signature
        """Return ``None``."""
        return None

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class SqliteCache:
    """The cache on disk.

    New values are gathered and written in one transaction every 4 MB and on ``close``. Those that were not used for the
    longest time, counted in days, are dropped when the whole grows beyond its bound.
    """

    __slots__ = ("_connection", "_max_bytes", "_path", "_pending", "_pending_bytes", "_touched", "_version")

    def __init__(self, path: Path, connection: sqlite3.Connection, version: str, max_bytes: int = _MAX_BYTES) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = connection
        self._version = version
        self._max_bytes = max_bytes
        self._pending: dict[bytes, bytes] = {}
        self._pending_bytes = 0
        self._touched: dict[bytes, int] = {}

    def get(self, kind: str, key: str) -> bytes | None:
        """Return what was put under this kind and key by this version of torchlink, or ``None``."""
        digest = self._key(kind, key)
        if digest in self._pending:
            return self._pending[digest]
        row = self._row(digest)
        if row is None:
            return None
        stored, day = row
        value = stored[_CHECK_BYTES:]
        if stored[:_CHECK_BYTES] != _check(value):
            return None
        if day != _today():
            self._touched[digest] = len(stored)
        return value

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Remember bytes; what is larger than 64 MB is not."""
        if self._connection is None or len(value) > min(_MAX_VALUE, self._max_bytes):
            return
        self._pending[self._key(kind, key)] = value
        self._pending_bytes += len(value)
        if self._pending_bytes > _FLUSH_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what is not written yet, and let the file go."""
        self._flush()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _key(self, kind: str, key: str) -> bytes:
        text = f"{self._version}\0{kind}\0{key}"
        return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=20).digest()

    def _row(self, digest: bytes) -> tuple[bytes, int] | None:
        if self._connection is None:
            return None
        query = "SELECT entry.value, used.day FROM entry JOIN used USING (key) WHERE entry.key = ?"
        try:
            row: object = self._connection.execute(query, (digest,)).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        match row:
            case (bytes() as value, int() as day):
                return value, day
            case _:
                return None

    def _flush(self) -> None:
        if self._connection is None or not (self._pending or self._touched):
            return
        try:
            self._write(self._connection)
        except sqlite3.Error as error:
            self._give_up(error)
        self._pending.clear()
        self._touched.clear()
        self._pending_bytes = 0

    def _write(self, connection: sqlite3.Connection) -> None:
        day = _today()
        entries = [(key, _check(value) + value) for key, value in self._pending.items()]
        uses = [(key, day, len(stored)) for key, stored in entries]
        uses.extend((key, day, size) for key, size in self._touched.items())
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany("INSERT OR REPLACE INTO entry (key, value) VALUES (?, ?)", entries)
            connection.executemany("INSERT OR REPLACE INTO used (key, day, size) VALUES (?, ?, ?)", uses)
            _evict(connection, self._max_bytes)
            connection.execute("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _give_up(self, error: sqlite3.Error) -> None:
        """Remember nothing from here on; a file that is broken (and not merely busy) is set aside for the next run."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        if _is_corruption(error):
            _set_aside(self._path)


def cache_folder(variables: Mapping[str, str], platform: str = sys.platform) -> Path | None:
    """Return the folder for torchlink's cache, or ``None`` where the environment names no home.

    ``TORCHLINK_CACHE_DIR`` comes first, then the platform's own place: ``XDG_CACHE_HOME`` or ``~/.cache`` on Linux,
    ``~/Library/Caches`` on macOS, ``%LOCALAPPDATA%`` on Windows.
    """
    if own := variables.get("TORCHLINK_CACHE_DIR"):
        return Path(own).absolute()
    home = variables.get("USERPROFILE" if platform == "win32" else "HOME", "")
    if platform == "win32":
        base = variables.get("LOCALAPPDATA") or (str(Path(home, "AppData", "Local")) if home else "")
    elif platform == "darwin":
        base = str(Path(home, "Library", "Caches")) if home else ""
    else:
        base = variables.get("XDG_CACHE_HOME", "")
        if not Path(base).is_absolute():  # the XDG specification says to ignore a relative one
            base = str(Path(home, ".cache")) if home else ""
    return Path(base, "torchlink") if base and Path(base).is_absolute() else None


def open_cache(folder: Path | None, version: str, max_bytes: int = _MAX_BYTES) -> Cache:
    """Open the cache in a folder that is made where it does not exist; one that cannot be used remembers nothing.

    ``version`` is torchlink's: other versions' values are not seen.
    """
    if folder is None:
        return NullCache()
    path = folder / FILE_NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = _connect(path) or _connect(path)  # the second time after a broken file was set aside
    except (OSError, ValueError, sqlite3.Error):
        return NullCache()
    return NullCache() if connection is None else SqliteCache(path, connection, version, max_bytes)


def _connect(path: Path) -> sqlite3.Connection | None:
    """Open the file. ``None`` when it was broken or of another format and has been set aside.

    Raises ``sqlite3.Error`` or ``OSError`` where it cannot be opened at all.
    """
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = OFF")  # values are checked when they are read
        if _format(connection) == FORMAT or _create(connection):
            return connection
    except sqlite3.Error as error:
        connection.close()
        if not _is_corruption(error):
            raise
    else:
        connection.close()
    _set_aside(path)
    return None


def _format(connection: sqlite3.Connection) -> int:
    return _number(connection.execute("PRAGMA user_version").fetchone())


def _create(connection: sqlite3.Connection) -> bool:
    """Make the tables in an empty file; false where it holds something else. Other processes may be doing the same."""
    connection.execute("BEGIN IMMEDIATE")
    if _format(connection) == 0 and not _number(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()):
        for statement in _SCHEMA:
            connection.execute(statement)
    ready = _format(connection) == FORMAT
    connection.execute("COMMIT")
    return ready


def _is_corruption(error: sqlite3.Error) -> bool:
    """SQLITE_CORRUPT and SQLITE_NOTADB come as ``DatabaseError`` itself, "busy" and the like as a subclass of it."""
    return type(error) is sqlite3.DatabaseError or "no such table" in str(error)


def _set_aside(path: Path) -> None:
    """Rename a file that is no use, keeping the last three; its journal goes, or it would spoil the next file."""
    journal = path.with_name(f"{path.name}-journal")
    with suppress(OSError):
        journal.unlink(missing_ok=True)
    number = next((n for n in range(1, _MOST_SET_ASIDE) if not _broken(path, n).exists()), _MOST_SET_ASIDE)
    with suppress(OSError):
        path.replace(_broken(path, number))


def _broken(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.broken-{number}")


def _evict(connection: sqlite3.Connection, max_bytes: int) -> None:
    total = _number(connection.execute("SELECT coalesce(sum(size), 0) FROM used").fetchone())
    if total <= max_bytes:
        return
    gone: list[tuple[bytes]] = []
    for key, size in connection.execute("SELECT key, size FROM used ORDER BY day, key"):
        gone.append((key,))
        total -= size
        if total <= max_bytes * _KEEP_WHEN_FULL:
            break
    connection.executemany("DELETE FROM entry WHERE key = ?", gone)
    connection.executemany("DELETE FROM used WHERE key = ?", gone)


def _number(row: object) -> int:
    match row:
        case (int() as number,):
            return number
        case _:
            return 0


def _today() -> int:
    return int(time.time()) // _DAY_S


def _check(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=_CHECK_BYTES).digest()
