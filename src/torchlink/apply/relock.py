"""A project's lock made anew for a change: to the transaction it is one more file of the project.

Its own tool locks a copy of the project, with the manifest as it will be; nothing of the project changes until all is
switched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from torchlink.model.errors import TorchlinkError
from torchlink.model.names import normalise
from torchlink.model.plan import Plan
from torchlink.model.transaction import FileChange
from torchlink.read.bounded import read_bounded
from torchlink.report.document import node
from torchlink.solve.moves import is_same

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

UV, POETRY = "uv.lock", "poetry.lock"
MAX_BYTES = 64 * 2**20
_WRITTEN = frozenset({UV, POETRY, "pyproject.toml"})
"""Never links into the project: these the tools write, or rename something over."""


Relock = Callable[[Path, Mapping[str, str]], None]
"""Makes the lock in a copy of a project anew, with some versions."""


def is_concerned(root: Path, lock: str, plan: Plan) -> bool:
    """Whether a project has a lock that a plan would leave behind."""
    return (root / lock).is_file() and any(step.op in {"set", "add", "remove", "edit-pin"} for step in plan.steps)


def relocked(root: Path, lock: str, edits: Sequence[FileChange], plan: Plan, relock: Relock) -> FileChange:
    """What a plan makes of a lock in a project's folder.

    Args:
        root: the project's folder.
        lock: the file's name.
        edits: what the plan changes in the project's files.
        plan: what is carried out.
        relock: of the lock's own tool, with the interpreter of the environment.

    Raises:
        TorchlinkError: the tool finds no lock that holds the plan's versions.
    """
    moved = {step.package: step.new for step in plan.steps if step.op in {"set", "add"}}
    with TemporaryDirectory(prefix="torchlink-") as scratch:
        copy = Path(scratch, root.name)
        _mirror(root, copy, {edit.path.absolute(): edit.after for edit in edits})
        relock(copy, moved)
        after = read_bounded(copy / lock, MAX_BYTES)
    _compare(plan, _held(after, lock), root / lock)
    return FileChange(path=root / lock, before=read_bounded(root / lock, MAX_BYTES), after=after)


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
        if path in inside or path.name in _WRITTEN:
            target.write_bytes(edited.get(path) or path.read_bytes())
        elif any(other.is_relative_to(path) for other in inside):
            _mirror(path, target, edited)
        else:
            target.symlink_to(path)


def _held(lock: bytes, where: str) -> dict[str, tuple[str, ...]]:
    """The versions of each package that a lock holds."""
    found: dict[str, tuple[str, ...]] = {}
    for package in node(tomllib.loads(lock.decode()), where).each("package", lambda one: one):
        name = normalise(package.text("name"))
        found[name] = (*found.get(name, ()), package.text("version", ""))
    return found
