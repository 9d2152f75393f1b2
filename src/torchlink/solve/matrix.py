"""Matrices of releases: which versions there are, the facts of each, and how they go together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from packaging.version import Version

from torchlink.catalog.releases import release_fact, shipped, suits
from torchlink.catalog.wheels import Wheels
from torchlink.link.releases import fit_of
from torchlink.model.environment import Interpreter
from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.matrix import Cell, Fit, Matrix
from torchlink.model.release import ReleaseFact
from torchlink.read.http import UnreachableError
from torchlink.solve.releases import final_of, is_final, is_for

Tell = Callable[[str, int, int], None]


def matrices(
    names: Sequence[str], wheels: Wheels, interpreter: Interpreter, *, every: bool, tell: Tell
) -> tuple[Matrix, ...]:
    """A matrix for each two of some packages.

    Args:
        names: PEP 503-normalised.
        wheels: where their wheels are.
        interpreter: for which.
        every: every final release, not the newest of each minor release alone.
        tell: told how many releases were looked at.

    Raises:
        TorchlinkError: a package has no release for this interpreter, or no index answers.
    """
    facts = {name: _facts(name, wheels, interpreter.version, every=every, tell=tell) for name in names}
    return tuple(_matrix(one, other, facts, interpreter) for one, other in combinations(names, 2))


_Facts = dict[str, ReleaseFact | str]
"""By version; a text says why there are none."""


def _facts(name: str, wheels: Wheels, python: str, *, every: bool, tell: Tell) -> _Facts:
    versions = _versions(name, wheels, python, every=every)
    if not versions:
        raise TorchlinkError(
            f"{name} has no release with a wheel for this Python and platform",
            mend="see whether the name is right, or choose others with --python-version and --platform",
        )
    found: _Facts = {}
    for number, version in enumerate(versions):
        tell(f"reading {name}", number, len(versions))
        try:
            found[version] = release_fact(wheels, name, version)
        except UnreadableError as error:
            found[version] = error.what
    return found


def _versions(name: str, wheels: Wheels, python: str, *, every: bool) -> list[str]:
    """Final releases with a wheel that suits, oldest first; the newest of each minor release alone unless ``every``."""
    try:
        ordered = final_of(wheels.files(name), wheels, python)
    except UnreachableError:
        supported = frozenset(wheels.tags)
        known = [fact for fact in shipped(name).values() if suits(fact, supported)]
        if not known:
            raise
        found = {fact.version for fact in known if is_final(fact.version) and is_for(fact.requires_python, python)}
        ordered = sorted(found, key=Version)
    if every:
        return ordered
    newest = {Version(one).release[:2]: one for one in ordered}
    return list(newest.values())


def _matrix(row: str, column: str, facts: dict[str, _Facts], interpreter: Interpreter) -> Matrix:
    cells = {
        (one, other): _cell(facts[row][one], facts[column][other], interpreter)
        for one in facts[row]
        for other in facts[column]
    }
    return Matrix(
        row_package=row,
        column_package=column,
        rows=tuple(facts[row]),
        columns=tuple(facts[column]),
        cells=cells,
        python=interpreter.version,
        platform=interpreter.platform,
    )


def _cell(one: ReleaseFact | str, other: ReleaseFact | str, interpreter: Interpreter) -> Cell:
    if isinstance(one, str):
        return Cell(fit=Fit.UNKNOWN, evidence=one)
    if isinstance(other, str):
        return Cell(fit=Fit.UNKNOWN, evidence=other)
    return fit_of(one, other, interpreter.markers)
