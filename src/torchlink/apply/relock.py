"""A project's ``uv.lock`` made anew for a change: to the transaction it is one more file of the project.

uv locks a copy of the project, with the manifest as it will be; nothing of the project changes until all is switched.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from torchlink.model.errors import TorchlinkError
from torchlink.model.names import normalise
from torchlink.model.plan import Plan
from torchlink.model.transaction import FileChange
from torchlink.read.bounded import read_bounded
from torchlink.report.document import node
from torchlink.solve.moves import is_same
from torchlink.solve.uv import Uv

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LOCK = "uv.lock"
MAX_BYTES = 64 * 2**20


def is_concerned(root: Path, plan: Plan) -> bool:
    """Whether a project has a ``uv.lock`` that a plan would leave behind."""
    return (root / LOCK).is_file() and any(step.op in {"set", "add", "remove", "edit-pin"} for step in plan.steps)


def relocked(root: Path, edits: Sequence[FileChange], plan: Plan, uv: Uv) -> FileChange:
    """What a plan makes of the ``uv.lock`` in a project's folder.

    Args:
        root: the project's folder.
        edits: what the plan changes in the project's files.
        plan: what is carried out.
        uv: with the interpreter of the environment.

    Raises:
        TorchlinkError: uv finds no lock that holds the plan's versions.
    """
    moved = {step.package: step.new for step in plan.steps if step.op in {"set", "add"}}
    with TemporaryDirectory(prefix="torchlink-") as scratch:
        copy = Path(scratch, root.name)
        _mirror(root, copy, {edit.path.absolute(): edit.after for edit in edits})
        uv.relock(copy, moved)
        after = read_bounded(copy / LOCK, MAX_BYTES)
    _compare(plan, _held(after), root / LOCK)
    return FileChange(path=root / LOCK, before=read_bounded(root / LOCK, MAX_BYTES), after=after)


def _compare(plan: Plan, held: Mapping[str, Sequence[str]], lock: Path) -> None:
    for step in plan.steps:
        if step.op not in {"set", "add", "remove"}:
            continue
        versions = held.get(step.package, ())
        if not any(is_same(step.new, one) for one in versions) if step.new else versions:
            raise TorchlinkError(
                f"would hold {step.package} {' and '.join(versions) or 'not at all'}, and the plan has "
                f"{step.new or 'none'}",
                where=str(lock),
                mend=f"let pyproject.toml say so of {step.package} first; nothing was changed",
            )


def _mirror(root: Path, copy: Path, edited: Mapping[Path, bytes]) -> None:
    """The project as it will be: links to all that stays, and real files where something is written."""
    copy.mkdir()
    inside = {path for path in edited if path.is_relative_to(root)}
    for path in root.iterdir():
        target = copy / path.name
        if path in inside or path.name == LOCK:
            target.write_bytes(edited.get(path) or path.read_bytes())
        elif any(other.is_relative_to(path) for other in inside):
            _mirror(path, target, edited)
        else:
            target.symlink_to(path)


def _held(lock: bytes) -> dict[str, tuple[str, ...]]:
    """The versions of each package that a lock holds."""
    found: dict[str, tuple[str, ...]] = {}
    for package in node(tomllib.loads(lock.decode()), LOCK).each("package", lambda one: one):
        name = normalise(package.text("name"))
        found[name] = (*found.get(name, ()), package.text("version", ""))
    return found
