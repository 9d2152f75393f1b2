"""uv, set to resolve as the user's own tools would in a project."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from torchlink.model.store import ByteStore
from torchlink.read.chosen import chosen_interpreter
from torchlink.read.index_settings import index_settings
from torchlink.solve.uv import Uv, find_uv


def resolver(
    project: Path,
    variables: Mapping[str, str],
    store: ByteStore,
    *,
    python_version: str = "",
    platform: str = "",
    offline: bool = False,
) -> Uv:
    """uv for a project's interpreter, or for one that is described.

    The indexes are the user's, not the project's own: what is resolved here are plain releases, and an index of builds
    with tags need not be reachable for that.

    Raises:
        TorchlinkError: uv is not here.
    """
    program = find_uv()
    interpreter = chosen_interpreter(None, project, python_version, platform, program, variables, store)
    return Uv(
        program=program,
        settings=index_settings(None, variables),
        python=interpreter.executable if interpreter.executed else "",
        python_version=interpreter.version,
        platform=platform or interpreter.platform,
        offline=offline,
        folder=Path(tempfile.gettempdir()),
    )
