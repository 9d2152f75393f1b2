"""Packages that only conda knows of: those of ``conda-meta`` that brought no Python metadata of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator

from torchlink.model.environment import Distribution, DistributionKind
from torchlink.model.errors import UnreadableError
from torchlink.model.names import normalise
from torchlink.read.bounded import read_bounded
from torchlink.read.metadata import CondaRecord, parse_conda_record
from torchlink.read.tree import Tree

_MAX_RECORD = 64 * 1024 * 1024


def read_conda(prefix: str, known: frozenset[str], tree: Tree, problems: list[str]) -> Iterator[Distribution]:
    """Yield the packages of a conda prefix whose names are not in ``known`` and that hold no ``.dist-info``.

    ``known`` are the PEP 503 names of the distributions that were found by their Python metadata.
    """
    folder = f"{prefix}{os.sep}conda-meta"
    for name in sorted(tree.files(folder)):
        package = name.removesuffix(".json").rsplit("-", 2)[0]
        if not name.endswith(".json") or normalise(package) in known:
            continue
        path = f"{folder}{os.sep}{name}"
        try:
            record = parse_conda_record(read_bounded(path, _MAX_RECORD))
        except UnreadableError as error:
            problems.append(str(error))
            continue
        if record is None:
            problems.append(f"{path}: is no conda package record")
        elif not any(".dist-info/" in file or ".egg-info" in file for file in record.files):
            yield _distribution(prefix, path, record)


def _distribution(prefix: str, path: str, record: CondaRecord) -> Distribution:
    files = (file for file in record.files if not file.endswith(".pyc") and ".." not in file and file[:1] != "/")
    return Distribution(
        name=normalise(record.name),
        version=record.version,
        kind=DistributionKind.CONDA,
        metadata_path=path,
        root=prefix,
        installer="conda",
        files=tuple(f"{prefix}{os.sep}{file.replace('/', os.sep)}" for file in files),
        top_level=_top_level(record),
    )


def _top_level(record: CondaRecord) -> tuple[str, ...]:
    names: set[str] = set()
    for file in record.files:
        _, found, below = file.partition("site-packages/")
        if found and file.endswith((".py", ".so", ".pyd")):
            names.add(below.partition("/")[0].partition(".")[0])
    return tuple(sorted(name for name in names if name.isidentifier()))
