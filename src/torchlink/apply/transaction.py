"""The transaction: prepare, switch, try, and keep or undo.

Everything that can fail for reasons of its own (an index, a disk, a build) happens while the environment is still as
it was: uv installs the new distributions into a folder beside it. The switch itself only renames files. A kill at any
moment leaves a journal from which the switch can be finished or undone, without any network.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType

from torchlink.apply import pending, project_files
from torchlink.apply.checks import check_disk, check_environment, check_plan, check_processes
from torchlink.apply.journal import Entry, begin, entries, flush
from torchlink.apply.lock import locked
from torchlink.apply.moves import Moves, carry_back, carry_forward, make_room, plan_moves
from torchlink.apply.snapshot import Snapshot, arriving, take, write_snapshot
from torchlink.apply.verdict import why_not
from torchlink.model.environment import Environment
from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.plan import Plan
from torchlink.model.probe import ProbeResult
from torchlink.model.reference import Severity
from torchlink.model.report import Report
from torchlink.model.transaction import FileChange, State, Transaction
from torchlink.report.changes_json import probe_document
from torchlink.report.json import document, read_report

Progress = Callable[[str, int, int], None]
_MOVES, BEFORE, AFTER, REPORT = "moves.json", "before.json.gz", "after.json.gz", "report.json.gz"
_WRITTEN_AFTER_S = 120
_MOST_FLUSHED = 100
MOST_KEPT = 5
"""So many committed changes keep the files that they replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a transaction works with."""

    stage: Callable[[Sequence[str], Path, Progress], None]
    """Installs exact pins below a folder as they would lie in the environment."""
    environment: Callable[[], Environment]
    """Reads the environment."""
    judge: Callable[[], Report]
    """Links it as it is now."""
    probe: Callable[[], tuple[ProbeResult, ...]]
    tell: Progress
    state: Path | None
    """The user's folder of notes on what is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be carried out, and where."""

    plan: Plan
    prefix: Path
    base_prefix: str
    project: str
    report: Report
    """What was found before the change, with every plan."""
    files: tuple[FileChange, ...]
    even_in_use: bool = False


def carry_out(request: Request, means: Means) -> Transaction:
    """Carry a plan out. It is over when this returns: committed, or rolled back with the reason.

    Raises:
        TorchlinkError: nothing was changed.
        KeyboardInterrupt: everything is as it was.
    """
    with _alone(request.prefix, means.state), _interruptible():
        _refuse_unfinished(request.prefix)
        environment = means.environment()
        changed = _changed(request.plan)
        check_plan(request.plan, environment)
        check_environment(environment, request.base_prefix, changed)
        check_disk(request.prefix, request.plan)
        if not request.even_in_use:
            check_processes(request.prefix)
        entry = begin(request.prefix, _new(request))
        try:
            _prepare(entry, request, environment, means)
        except BaseException as error:
            _end(entry, State.FAILED, reason=_reason(error))
            entry.discard(entry.staged)
            if isinstance(error, OSError):
                raise TorchlinkError(
                    f"nothing was changed: {error.strerror}", where=str(error.filename or "")
                ) from error
            raise
        return _finish(entry, means)


def go_on(prefix: Path, means: Means) -> Transaction:
    """End an interrupted transaction by finishing it; one that was being rolled back is rolled back.

    Raises:
        TorchlinkError: there is none, or it was interrupted before anything was changed.
        KeyboardInterrupt: everything is as it was before the transaction.
    """
    with _alone(prefix, means.state), _interruptible():
        entry = unfinished(prefix)
        if entry is None:
            raise TorchlinkError("no change was interrupted here", where=str(prefix))
        state = entry.state()
        if state is State.PREPARING:
            _undo(entry, "it was interrupted before anything was changed")
            raise TorchlinkError(
                "the change was interrupted before anything was changed",
                where=str(prefix),
                mend="run torchlink fix again",
            )
        if state is State.UNDOING:
            _undo(entry, entry.transaction().reason or "it was interrupted while it was rolled back")
            return entry.transaction()
        return _finish(entry, means)


def undo(prefix: Path, number: int | None, environment: Callable[[], Environment], state: Path | None) -> Transaction:
    """Undo a transaction: the interrupted one, or one that was committed.

    Args:
        prefix: the environment.
        number: its id; the latest one without.
        environment: reads the environment.
        state: the user's folder of notes on what is open.

    Raises:
        TorchlinkError: there is none, or what it left was changed since.
    """
    with _alone(prefix, state), _interruptible():
        entry = unfinished(prefix)
        if entry is None:
            entry = _committed(prefix, number)
            _refuse_later_changes(entry, environment())
        elif number not in (None, entry.id):
            raise TorchlinkError(
                f"change {entry.id} was interrupted", where=str(prefix), mend="roll that one back first"
            )
        _undo(entry, "by hand")
        return entry.transaction()


def unfinished(prefix: Path) -> Entry | None:
    """The transaction that was interrupted, if one was."""
    return next((entry for entry in reversed(entries(prefix)) if not entry.state().is_over), None)


def kept_report(entry: Entry) -> Report:
    """What was found before a transaction, with every plan.

    Raises:
        UnreadableError: it is not there, or damaged.
    """
    try:
        return read_report(entry.read_packed(REPORT))
    except ValueError as error:
        raise UnreadableError(f"the report is damaged ({error})", where=str(entry.path / REPORT)) from None


# Before the switch


def _prepare(entry: Entry, request: Request, environment: Environment, means: Means) -> None:
    entry.write_packed(REPORT, document(request.report))
    pins = [f"{step.package}=={step.new}" for step in request.plan.steps if step.op in {"set", "add"}]
    means.tell(f"fetching {len(pins)} packages with uv", 0, 0)
    entry.staged.mkdir()
    with ThreadPoolExecutor(1) as beside:
        taking = beside.submit(take, environment)
        if pins:
            means.stage(pins, entry.staged, means.tell)
            (entry.staged / ".lock").unlink(missing_ok=True)  # uv's own
    before = taking.result()
    means.tell("probing", 0, 0)
    known = [one.id for one in request.report.findings if one.severity is Severity.BREAK]
    entry.reach(State.PREPARING, known=known, before=[probe_document(one) for one in means.probe()])
    means.tell("taking a snapshot", 0, 0)
    changed = _changed(request.plan)
    moves = plan_moves(environment, changed, entry.staged)
    entry.saved.mkdir(exist_ok=True)
    make_room(request.prefix, moves, entry.saved)
    entry.write(_MOVES, moves.document())
    project_files.keep(entry, request.files)
    write_snapshot(entry, BEFORE, before)
    arrived = arriving(before, environment, changed, moves, entry.staged)
    write_snapshot(entry, AFTER, arrived)
    _flush_disk(entry, arrived, moves)


def read_moves(entry: Entry) -> Moves:
    """Which files a transaction moves.

    Raises:
        UnreadableError: the journal is damaged.
    """
    return Moves.read(entry.read(_MOVES))


def _changed(plan: Plan) -> frozenset[str]:
    return frozenset(step.package for step in plan.steps if step.op in {"set", "add", "remove"})


def _new(request: Request) -> Transaction:
    return Transaction(
        id=0,
        began=_now(),
        state=State.PREPARING,
        prefix=str(request.prefix),
        project=request.project,
        plan=request.plan,
    )


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


# The switch, and what follows it


def _finish(entry: Entry, means: Means) -> Transaction:
    """Switch and try, from whatever point the journal is at."""
    prefix = entry.path.parent.parent
    try:
        if entry.state() is not State.SWITCHED:
            means.tell("changing the environment", 0, 0)
            entry.reach(State.SWITCHING)
            carry_forward(prefix, read_moves(entry), entry.staged, entry.saved)
            project_files.forward(entry)
            entry.reach(State.SWITCHED)
        means.tell("linking what was changed", 0, 0)
        report = means.judge()
        means.tell("probing", 0, 0)
        after = means.probe()
        transaction = entry.transaction()
        known = next((one.texts("known") for one in entry.states() if "known" in one.members), ())
        reason = why_not(transaction.plan, known, report, transaction.before, after)
        documents = [probe_document(one) for one in after]
        if not reason:
            entry.reach(State.COMMITTED, after=documents, at=_now())
    except BaseException as error:
        _undo(entry, _reason(error))
        if isinstance(error, OSError):
            raise TorchlinkError(
                f"rolled back, and nothing was changed: {error.strerror}", where=str(error.filename or "")
            ) from error
        raise
    if reason:
        _undo(entry, reason, after=documents)
    else:
        entry.discard(entry.staged)
        _forget_old(prefix)
    return entry.transaction()


def _undo(entry: Entry, reason: str, **more: object) -> None:
    """Put everything back. Signals wait meanwhile; a full disk is no hindrance, since files are only renamed."""
    with _undisturbed():
        with suppress(OSError):
            entry.reach(State.UNDOING, reason=reason, **more)
        if (entry.path / _MOVES).is_file():
            carry_back(entry.path.parent.parent, read_moves(entry), entry.saved)
            if left := project_files.back(entry):
                more["reason"] = f"{reason}; {left[0]} was changed by somebody else meanwhile, and is left so"
        entry.discard(entry.staged)
        entry.discard(entry.saved)
        entry.reach(State.UNDONE, **{"reason": reason, **more})


def _end(entry: Entry, state: State, **more: object) -> None:
    with suppress(OSError):
        entry.reach(state, **more)


def _reason(error: BaseException) -> str:
    return "interrupted" if isinstance(error, KeyboardInterrupt) else " ".join(str(error).split())[:500]


def _forget_old(prefix: Path) -> None:
    """Only the latest changes keep what they replaced."""
    committed = [entry for entry in entries(prefix) if entry.state() is State.COMMITTED]
    for entry in committed[:-MOST_KEPT]:
        entry.forget()


# What may be undone


def _refuse_unfinished(prefix: Path) -> None:
    entry = unfinished(prefix)
    if entry is not None:
        raise TorchlinkError(
            f"change {entry.id} was interrupted while {entry.state().value}",
            where=str(prefix),
            mend="end it with torchlink rollback or torchlink fix --continue",
        )


def _committed(prefix: Path, number: int | None) -> Entry:
    found = [entry for entry in entries(prefix) if entry.state() is State.COMMITTED]
    if number is not None:
        found = [entry for entry in found if entry.id == number]
    if not found:
        what = "no change was committed here" if number is None else f"no change {number} is in effect here"
        raise TorchlinkError(what, where=str(prefix), mend="see torchlink history")
    if not found[-1].saved.is_dir():
        raise TorchlinkError(f"the files that change {found[-1].id} replaced are not kept any more", where=str(prefix))
    return found[-1]


def _refuse_later_changes(entry: Entry, environment: Environment) -> None:
    """What a change left must still be there, or undoing it would lose what came later."""
    mend = "undo what came later first"
    for step in entry.transaction().plan.steps:
        if step.op not in {"set", "add", "remove"}:
            continue
        found = environment.distribution(step.package)
        version = "" if found is None else found.version
        if version.partition("+")[0] != step.new.partition("+")[0]:
            what = f"{step.package} is {version or 'gone'} now, and change {entry.id} left {step.new or 'none'}"
            raise TorchlinkError(what, where=environment.prefix, mend=mend)
    moves = read_moves(entry)
    new = frozenset(moves.into)
    for path in moves.out:
        if path not in new and not path.endswith(".pyc") and os.path.lexists(Path(environment.prefix, path)):
            raise TorchlinkError("came after the change that would be undone", where=path, mend=mend)
    if touched := project_files.touched(entry):
        raise TorchlinkError("was changed since", where=str(touched[0]), mend=mend)


# How it is run


@contextmanager
def _alone(prefix: Path, state: Path | None) -> Iterator[None]:
    with locked(prefix):
        pending.note(prefix, state)
        try:
            yield
        finally:
            if unfinished(prefix) is None:
                pending.forget(prefix, state)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the work as Ctrl-C does: whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextmanager
def _undisturbed() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)


def _flush_disk(entry: Entry, arrived: Snapshot, moves: Moves) -> None:
    """Put what was prepared on disk before the first file moves; the order of renames is the file system's matter.

    What uv unpacked a while ago the system has written by itself (Linux does after 30 seconds: see
    ``dirty_expire_centisecs`` in its documentation of ``/proc/sys/vm``). Of what is new, a few files are flushed one by
    one: others may be writing much more to that disk.
    """
    flush(entry.path)
    recent = time.time_ns() - _WRITTEN_AFTER_S * 10**9
    new = [path for path in moves.into if path not in arrived.files or arrived.files[path].stamp[1] > recent]
    if len(new) > _MOST_FLUSHED:
        os.sync()
        return
    for path in new:
        flush(entry.staged / path)
