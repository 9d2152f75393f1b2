"""Matrices of releases: which versions there are, the facts of each, and how they go together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import combinations

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from torchlink.catalog.releases import release_fact, shipped, suits
from torchlink.catalog.wheels import Wheels
from torchlink.link.releases import SILENT, fit_of
from torchlink.model.environment import Interpreter
from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.matrix import Cell, Fit, Matrix
from torchlink.model.names import normalise
from torchlink.model.release import ReleaseFact
from torchlink.read.http import UnreachableError
from torchlink.solve.means import Means
from torchlink.solve.pairs import Pairs, linked
from torchlink.solve.releases import final_of, is_final, is_for
from torchlink.solve.wheel_set import Judge

Tell = Callable[[str, int, int], None]


def matrices(packages: Mapping[str, SpecifierSet], means: Means, *, every: bool, tell: Tell) -> tuple[Matrix, ...]:
    """A matrix for each two of some packages.

    Args:
        packages: PEP 503-normalised names, and which of their releases are shown.
        means: for which interpreter, and where wheels are.
        every: every final release, not the newest of each minor release alone.
        tell: told how many releases were looked at.

    Raises:
        TorchlinkError: a package has no release for this interpreter, or no index answers.
    """
    facts = {name: _facts(name, asked, means, every=every, tell=tell) for name, asked in packages.items()}
    return tuple(_matrix(one, other, facts, means.interpreter) for one, other in combinations(packages, 2))


def packages_of(words: Iterable[str]) -> dict[str, SpecifierSet]:
    """Packages with the ranges that were given, by normalised name: ``torch``, ``diffusers>=0.25``.

    Raises:
        TorchlinkError: one is no package's name with a range.
    """
    found: dict[str, SpecifierSet] = {}
    for word in words:
        try:
            requirement = Requirement(word)
        except InvalidRequirement:
            raise TorchlinkError(
                f"{word!r} names no package", mend="write a name, or a name and a range: 'diffusers>=0.25'"
            ) from None
        name = normalise(requirement.name)
        found[name] = found.get(name, SpecifierSet()) & requirement.specifier
    return found


def with_linked(matrix: Matrix, means: Means, judge: Judge, tell: Tell) -> Matrix:
    """The matrix, the cells of which no fact speaks linked.

    Args:
        matrix: as `matrices` gives it.
        means: the same.
        judge: links a set.
        tell: told how many pairs are done.

    Raises:
        TorchlinkError: uv cannot run, or no index answers.
    """
    silent = [versions for versions, cell in matrix.cells.items() if cell.evidence == SILENT]
    pairs = Pairs(row=matrix.row_package, column=matrix.column_package, versions=silent)
    return replace(matrix, cells={**matrix.cells, **linked(pairs, means, judge, tell)})


_Facts = dict[str, ReleaseFact | str]
"""By version; a text says why there are none."""


def _facts(name: str, asked: SpecifierSet, means: Means, *, every: bool, tell: Tell) -> _Facts:
    wheels = means.wheels
    versions = [one for one in _versions(name, wheels, means.interpreter.version) if asked.contains(one)]
    versions = versions if every else list({Version(one).release[:2]: one for one in versions}.values())
    if not versions:
        within = f" within {asked}" if asked else ""
        raise TorchlinkError(
            f"{name} has no release{within} with a wheel for this Python and platform",
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


def _versions(name: str, wheels: Wheels, python: str) -> list[str]:
    """Final releases with a wheel that suits, oldest first."""
    try:
        return final_of(wheels.files(name), wheels, python)
    except UnreachableError:
        supported = frozenset(wheels.tags)
        known = [fact for fact in shipped(name).values() if suits(fact, supported)]
        if not known:
            raise
        found = {fact.version for fact in known if is_final(fact.version) and is_for(fact.requires_python, python)}
        return sorted(found, key=Version)


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
