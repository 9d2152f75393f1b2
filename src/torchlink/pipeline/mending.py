"""A project's source, rewritten by the behaviour rules."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from torchlink.pipeline import linking
from torchlink.read.environment import find

if TYPE_CHECKING:
    from torchlink.model.edits import Choice, SourceEdit
    from torchlink.source.mend import Mending


def mend_source(project: Path, *, python: Path | None = None, apply: bool = False) -> Mending:
    """Rewrite what the behaviour rules can rewrite in a project's own source, and say what is left to choose.

    Args:
        project: a folder or file of source.
        python: the environment that it is meant for; by default the project's, or the active one.
        apply: whether the files are written; otherwise everything stays as it is.

    Raises:
        TorchlinkError: there is no such project or environment, libcst is missing, or a file cannot be written.
    """
    from torchlink.checkpoint.restricted import CheckpointFiles, allowed_by_default
    from torchlink.link.behaviour import BehaviourInputs
    from torchlink.link.owners import Owners
    from torchlink.link.source_edits import source_edits
    from torchlink.model.reach import Reach
    from torchlink.read.bounded import read_head
    from torchlink.read.comments import read_ignores
    from torchlink.read.environment import read_environment
    from torchlink.read.python_source import MAX_SOURCE_BYTES
    from torchlink.read.uses import UseFiles
    from torchlink.rules.behaviour import behaviour_rules, saved_values
    from torchlink.source.mend import carry_out, mend

    def read(path: str) -> bytes:
        return read_head(path, MAX_SOURCE_BYTES + 1)

    source = linking.read_project(project)
    environment = read_environment(find(project, python, os.environ), os.environ)[0]
    inputs = BehaviourInputs(
        environment=environment,
        project=source,
        reach=Reach(modules={}, libraries={}),
        owners=Owners(environment, str(source.root)),
        reader=UseFiles(read),
        checkpoints=CheckpointFiles(environment),
        rules=behaviour_rules(),
        saved=saved_values(),
        allowed=allowed_by_default(environment),
        variables=os.environ,
        chosen=True,
    )
    ignored = read_ignores(source, linking.codes())

    def judge(changed: Mapping[str, bytes]) -> tuple[tuple[SourceEdit, ...], tuple[Choice, ...]]:
        reader = UseFiles(lambda path: changed[path] if path in changed else read(path))
        return source_edits(replace(inputs, reader=reader), ignored.keys())

    mending = mend(source.root, judge, read)
    return carry_out(mending) if apply and mending.changes else mending
