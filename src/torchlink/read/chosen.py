"""The interpreter that a question is about, where no environment is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from torchlink.model.environment import Interpreter
from torchlink.model.errors import TorchlinkError
from torchlink.model.store import ByteStore
from torchlink.read.environment import find
from torchlink.read.foreign import unseen
from torchlink.read.interpreter import ask


def chosen_interpreter(
    python: Path | None,
    project: Path | None,
    version: str,
    platform: str,
    uv: str,
    variables: Mapping[str, str],
    store: ByteStore,
) -> Interpreter:
    """The interpreter of a question.

    Args:
        python: an interpreter, or the folder of an environment, that is asked for by its place.
        project: its own environment's interpreter comes next.
        version: ``3.11``; one that is here is asked, another is described by its version alone.
        platform: another machine's, as in wheel tags: then nothing here can be asked.
        uv: uv's program, which knows the interpreters of this machine; empty for none.
        variables: the environment.
        store: remembers what interpreters answered.

    Raises:
        TorchlinkError: ``python`` is no interpreter, or version and platform are none.
    """
    if python is not None:
        return ask(find(None, python, variables), variables, store).interpreter
    here = _here(project, variables, store)
    if platform and platform != here.platform:
        return unseen(version or here.version, platform)
    if not version or _is(here, version):
        return here
    found = _found_by_uv(uv, version) if uv else ""
    if found:
        return ask(Path(found), variables, store).interpreter
    return unseen(version, here.platform)


def _here(project: Path | None, variables: Mapping[str, str], store: ByteStore) -> Interpreter:
    try:
        target = find(project, None, variables)
        if target.is_file():
            return ask(target, variables, store).interpreter
    except TorchlinkError:
        pass
    return ask(Path(sys.executable), variables, store).interpreter


def _is(interpreter: Interpreter, version: str) -> bool:
    return f"{interpreter.version}.".startswith(f"{version}.")


def _found_by_uv(uv: str, version: str) -> str:
    command = [uv, "python", "find", "--no-python-downloads", "--no-project", version]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    path = done.stdout.strip()
    return path if done.returncode == 0 and os.path.isabs(path) else ""  # noqa: PTH117 -- a string is judged
