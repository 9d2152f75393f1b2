"""The edits of a project's source: made, held against the rules again, shown and written."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from torchlink.model.edits import Choice, SourceEdit
from torchlink.model.errors import TorchlinkError
from torchlink.pins.write import Change, diff, write

Judge = Callable[[Mapping[str, bytes]], tuple[tuple[SourceEdit, ...], tuple[Choice, ...]]]
"""Says what is to be edited and chosen, with these files' new bytes in the place of the old ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """What is done to a project's source, and what is left to its writer."""

    edits: tuple[SourceEdit, ...]
    choices: tuple[Choice, ...]
    changes: tuple[Change, ...]
    written: bool = False

    @property
    def diff(self) -> str:
        """All changes as one unified diff."""
        return diff(self.changes)


def mend(root: Path, judge: Judge, read: Callable[[str], bytes]) -> Mending:
    """Make every edit that the rules ask for, in memory.

    A file in which an edit is still asked for afterwards, or that cannot be parsed any more, stays as it is.

    Raises:
        TorchlinkError: libcst is not installed.
    """
    edits, choices = judge({})
    made: list[SourceEdit] = []
    left = list(choices)
    changes: list[Change] = []
    for path, each in groupby(edits, key=lambda edit: edit.path):
        own = list(each)
        change, done, why = _changed(root, path, own, read)
        if change is not None and _asks_again(judge, change.after, own, done):
            change, done, why = None, [], "the edit would not have mended it"
        if change is not None:
            changes.append(change)
        made.extend(done)
        left.extend(_left(edit, why) for edit in own if edit not in done)
    ordered = sorted(left, key=lambda one: (one.path, one.line))
    return Mending(edits=tuple(made), choices=tuple(ordered), changes=tuple(changes))


def carry_out(mending: Mending) -> Mending:
    """Write all files or none.

    Raises:
        TorchlinkError: nothing was changed: a file was edited meanwhile, or cannot be written.
    """
    write(mending.changes)
    return replace(mending, written=True)


def _changed(
    root: Path, path: str, edits: Sequence[SourceEdit], read: Callable[[str], bytes]
) -> tuple[Change | None, list[SourceEdit], str]:
    """The change of one file, the edits in it, and why the others are not."""
    try:
        from torchlink.source.notebook import rewrite_notebook
        from torchlink.source.rewrite import rewrite
    except ImportError as error:
        raise TorchlinkError(
            "rewriting source needs libcst", mend="install torchlink[source], or libcst beside it"
        ) from error
    before = read(path)
    try:
        after, undone = (rewrite_notebook if path.endswith(".ipynb") else rewrite)(before, edits)
    except ValueError as error:
        return None, [], f"the file cannot be rewritten: {error}"
    done = [edit for edit in edits if edit not in undone]
    if not done or after == before:
        return None, [], "the place is written in a way that is not rewritten"
    file = Path(path)
    shown = file.relative_to(root).as_posix() if file.is_relative_to(root) else path
    change = Change(file=shown, path=file, before=before, after=after, encoding=_encoding(before))
    return change, done, "the place is written in a way that is not rewritten"


def _asks_again(judge: Judge, after: bytes, edits: Sequence[SourceEdit], done: Sequence[SourceEdit]) -> bool:
    """Whether the rules ask for one of the edits again, in the file as it would be."""
    rules = {edit.rule for edit in done}
    again, _ = judge({done[0].path: after})
    left = sum(edit.rule in rules for edit in edits) - len(done)
    return sum(one.path == done[0].path and one.rule in rules for one in again) > left


def _encoding(source: bytes) -> str:
    return tokenize.detect_encoding(io.BytesIO(source).readline)[0]


def _left(edit: SourceEdit, why: str) -> Choice:
    return Choice(path=edit.path, line=edit.line, rule=edit.rule, why=f"{why}: {edit.summary}", options=())
