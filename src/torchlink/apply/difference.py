"""What differs between two moments of an environment: versions first, then files that no version explains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torchlink.apply.journal import Entry, entries
from torchlink.apply.snapshot import Snapshot, left, read_snapshot
from torchlink.apply.transaction import AFTER, BEFORE, read_moves
from torchlink.model.difference import Difference, Moved, Touched
from torchlink.model.errors import TorchlinkError
from torchlink.model.transaction import State


def snapshot_named(prefix: Path, name: str, now: Snapshot) -> Snapshot:
    """The snapshot of a name: ``N`` is what change N left, ``N:before`` what it found, ``latest`` the last one's.

    Raises:
        TorchlinkError: there is none.
    """
    if name == "now":
        return now
    if name == "latest":
        committed = [entry for entry in entries(prefix) if entry.state() is State.COMMITTED]
        if not committed:
            raise TorchlinkError("no change was committed here, so there is nothing to compare with", where=str(prefix))
        return _after(committed[-1])
    number, _, moment = name.partition(":")
    entry = Entry(prefix / ".torchlink" / number)
    if not number.isdecimal() or moment not in ("", "before") or not (entry.path / BEFORE).is_file():
        raise TorchlinkError(f"there is no snapshot {name!r}", where=str(prefix), mend="see torchlink history")
    return read_snapshot(entry, BEFORE) if moment else _after(entry)


def _after(entry: Entry) -> Snapshot:
    committed = [one for one in entry.states() if one.text("state") == State.COMMITTED.value]
    if not committed:
        where = str(entry.path.parent.parent)
        raise TorchlinkError(f"change {entry.id} was not committed", where=where, mend=f"compare {entry.id}:before")
    before, arrived = read_snapshot(entry, BEFORE), read_snapshot(entry, AFTER)
    return left(before, arrived, read_moves(entry), committed[0].text("at", arrived.taken))


def between(old: Snapshot, new: Snapshot) -> Difference:
    """Compare two snapshots."""
    names = sorted(old.versions.keys() | new.versions.keys())
    pairs = ((name, old.versions.get(name, ""), new.versions.get(name, "")) for name in names)
    moved = tuple(Moved(name=name, old=before, new=after) for name, before, after in pairs if before != after)
    changed = frozenset(one.name for one in moved)
    touched = tuple(one for one in _touched(old, new) if one.owner not in changed)
    return Difference(since=old.taken, until=new.taken, moved=moved, touched=touched)


def _touched(old: Snapshot, new: Snapshot) -> Iterator[Touched]:
    for path in sorted(old.files.keys() | new.files.keys()):
        before, after = old.files.get(path), new.files.get(path)
        if before is None or after is None or before.stamp != after.stamp:
            how = "added" if before is None else "removed" if after is None else "changed"
            owner = (after and after.owner) or (before and before.owner) or ""
            yield Touched(path=path, how=how, owner=owner)
