"""The journal of an environment: ``.torchlink/N`` in its prefix, a folder for each transaction.

``transaction.json`` says what is to be done, ``moves.json`` which files that concerns; both are there, whole, before
the first file moves. ``states.log`` has a line for each state that was reached; one that a crash cut short is none.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp

from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.transaction import State, Transaction
from torchlink.read.bounded import read_bounded
from torchlink.report.changes_json import read_probe
from torchlink.report.document import Node, node
from torchlink.report.json import load_plan, plan_document

FOLDER = ".torchlink"
MAX_BYTES = 256 * 2**20
_HEADER, _STATES = "transaction.json", "states.log"


@dataclass(frozen=True, slots=True)
class Entry:
    """The folder of one transaction."""

    path: Path

    @property
    def id(self) -> int:
        return int(self.path.name)

    @property
    def saved(self) -> Path:
        """Files that were replaced, below the same paths as in the environment."""
        return self.path / "saved"

    @property
    def staged(self) -> Path:
        """Files that are about to come in, below the same paths as in the environment."""
        return self.path / "staged"

    def write(self, name: str, value: Mapping[str, object]) -> None:
        """Write a JSON file so that it is either whole on disk or not there."""
        write_whole(self.path / name, json.dumps(value, separators=(",", ":")).encode())

    def read(self, name: str) -> Node:
        """Read a JSON file.

        Raises:
            UnreadableError: it is missing or damaged.
        """
        return _parsed(self.path / name, read_bounded(self.path / name, MAX_BYTES))

    def write_packed(self, name: str, value: Mapping[str, object]) -> None:
        """As `write`, compressed."""
        write_whole(self.path / name, gzip.compress(json.dumps(value, separators=(",", ":")).encode(), 1))

    def read_packed(self, name: str) -> Node:
        """As `read`, for what `write_packed` wrote."""
        try:
            with gzip.open(self.path / name) as stream:
                data = stream.read(MAX_BYTES)
        except (OSError, EOFError) as error:
            raise UnreadableError(f"cannot be read ({error})", where=str(self.path / name)) from None
        return _parsed(self.path / name, data)

    def reach(self, state: State, **more: object) -> None:
        """Note that a state is reached; it is on disk when this returns.

        Raises:
            OSError: it could not be written.
        """
        line = json.dumps({"state": state.value, **more}, separators=(",", ":")) + "\n"
        descriptor = os.open(self.path / _STATES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def states(self) -> list[Node]:
        """What was reached, oldest first."""
        found: list[Node] = []
        with suppress(UnreadableError):
            for line in read_bounded(self.path / _STATES, MAX_BYTES).splitlines():
                with suppress(ValueError):
                    found.append(node(json.loads(line), str(self.path / _STATES)))
        return found

    def state(self) -> State:
        reached = self.states()
        return State(reached[-1].text("state")) if reached else State.PREPARING

    def transaction(self) -> Transaction:
        """The transaction as a value.

        Raises:
            UnreadableError: the journal is damaged.
        """
        header, reached = self.read(_HEADER), self.states()
        latest = {key: value for one in reached for key, value in one.members.items()}
        said = Node(where=str(self.path), members={"before": [], "after": [], **latest})
        return Transaction(
            id=self.id,
            began=header.text("began"),
            state=self.state(),
            prefix=header.text("prefix"),
            project=header.text("project"),
            plan=load_plan(header.node("plan")),
            reason=said.text("reason", ""),
            before=said.each("before", read_probe),
            after=said.each("after", read_probe),
            kept=self.saved.is_dir(),
        )

    def forget(self) -> None:
        """Give up the files that were replaced: to whoever looks after a kill they are all there, or not kept."""
        gone = self.path / "forgotten"
        shutil.rmtree(gone, ignore_errors=True)
        with suppress(OSError):
            self.saved.replace(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def discard(self, folder: Path) -> None:
        """Remove one of its folders, as far as it goes: a program that was killed may still write there."""
        for _ in range(3):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                return


def begin(prefix: Path, transaction: Transaction) -> Entry:
    """Open the folder of a new transaction. Its id is the next free number, whatever the transaction says.

    Raises:
        TorchlinkError: nothing can be written there.
    """
    entry = Entry(prefix / FOLDER / str(max(_numbers(prefix), default=0) + 1))
    try:
        entry.path.mkdir(parents=True)
        header = {
            "began": transaction.began,
            "prefix": transaction.prefix,
            "project": transaction.project,
            "plan": plan_document(transaction.plan),
        }
        entry.write(_HEADER, header)
    except OSError as error:
        raise TorchlinkError(f"nothing was changed: {error.strerror}", where=str(entry.path)) from error
    return entry


def entries(prefix: Path) -> list[Entry]:
    """The transactions of an environment, oldest first. A folder that was never filled is none."""
    found = [Entry(prefix / FOLDER / str(number)) for number in _numbers(prefix)]
    return [entry for entry in found if (entry.path / _HEADER).is_file()]


def _numbers(prefix: Path) -> list[int]:
    with suppress(OSError):
        return sorted(int(path.name) for path in (prefix / FOLDER).iterdir() if path.name.isdecimal())
    return []


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file beside its place, flush it to disk, and rename it: it is never half there.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    descriptor, name = mkstemp(prefix=f".{path.name}.", suffix=".torchlink", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    flush(path.parent)


def flush(path: Path) -> None:
    """Put a file, or the names in a folder, on disk. Windows has no such thing for folders, and needs none."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _parsed(path: Path, data: bytes) -> Node:
    try:
        return node(json.loads(data), str(path))
    except (ValueError, RecursionError):
        raise UnreadableError("the journal is damaged", where=str(path)) from None
