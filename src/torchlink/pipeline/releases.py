"""What is known of releases: the matrix, one wheel, many wheels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torchlink import __version__
from torchlink.catalog.cache import cache_folder, open_cache
from torchlink.pipeline import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchlink.model.matrix import Matrix
    from torchlink.model.question import Question
    from torchlink.model.wheel_description import WheelDescription


def matrix(
    packages: Sequence[str],
    question: Question,
    *,
    every: bool = False,
    linked: bool = True,
    cache: bool = True,
    progress: running.Progress | None = None,
) -> tuple[Matrix, ...]:
    """Say which versions of packages work together, by the facts of their wheels: a matrix for each two of them.

    Args:
        packages: their names, with a range of versions where not all are wanted (``diffusers>=0.25``).
        question: for which Python and platform, from which index.
        every: every release, not the newest of each minor release alone.
        linked: whether pairs of which no fact speaks are linked, as long as they are few.
        cache: as in `check`.
        progress: told how far the work has come.

    Raises:
        TorchlinkError: a package is not named rightly or has no release for this Python, or no index answers.
    """
    from torchlink.pipeline.questions import judge_set
    from torchlink.solve.matrix import matrices, packages_of, with_linked
    from torchlink.solve.means import means_of

    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    tell = progress or running.silent
    try:
        means = means_of(question, None, None, os.environ, store, tell)
        asked = packages_of(packages)
        found = matrices(asked, means, every=every, tell=tell)
        if linked:
            found = tuple(
                with_linked(one, means, lambda made: judge_set(made, None, store, running.silent), tell)
                for one in found
            )
        return found
    finally:
        store.close()


def wheel_facts(
    name: str, version: str, question: Question, *, cache: bool = True, progress: running.Progress | None = None
) -> WheelDescription:
    """What the wheel of one release holds, and from which bytes that is known.

    Args:
        name: the package's.
        version: exact; with a local part for a build of its own.
        question: for which Python and platform, from which index.
        cache: as in `check`.
        progress: told how far the reading has come.

    Raises:
        TorchlinkError: there is no such wheel, or no index answers.
    """
    from torchlink.solve.describe import describe
    from torchlink.solve.means import means_of

    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    try:
        means = means_of(question, None, None, os.environ, store, progress or running.silent)
        return describe(name, version, means.wheels)
    finally:
        store.close()


def mine(
    releases: Path, question: Question, *, progress: running.Progress | None = None
) -> Iterator[tuple[str, str, str]]:
    """Read the wheels of a list of releases into the cache, one after the other.

    Args:
        releases: a frozen file: ``name==version`` a line.
        question: for which Python and platform, from which index.
        progress: told how far the reading has come.

    Yields:
        Name, version, and what was read of it or why nothing was.

    Raises:
        TorchlinkError: the file cannot be read, or no index answers.
    """
    from torchlink.read.frozen import read_frozen
    from torchlink.solve.describe import mined
    from torchlink.solve.means import means_of

    store = open_cache(cache_folder(os.environ), __version__)
    try:
        means = means_of(question, None, None, os.environ, store, progress or running.silent)
        for pin in read_frozen(releases, means.interpreter.markers, every=True).pins:
            yield pin.name, pin.version, mined(pin.name, pin.version, means.wheels)
    finally:
        store.close()
