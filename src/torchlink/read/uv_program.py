"""uv's program: where it is, and which index it asks where nobody names one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache

from torchlink.model.errors import TorchlinkError

_PATIENCE_S = 20
_FLAG = "--index-url "


def find_uv() -> str:
    """The path of uv's program: the one that was installed with torchlink, or the one on the path.

    Raises:
        TorchlinkError: there is none.
    """
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise TorchlinkError("uv is not here, and it is what resolves", mend="install it: pip install uv")
    return found


@cache
def default_index() -> str:
    """The address of uv's own default index; empty where uv is not here or does not say.

    uv writes it above what it compiles (``--emit-index-url``), here of nothing, without a network or configuration.
    """
    options = ["--emit-index-url", "--no-header", "--offline", "--no-config", "--quiet", "--python", sys.executable]
    try:
        command = [find_uv(), "pip", "compile", "-", *options]
        done = subprocess.run(
            command, input="\n", env={}, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (TorchlinkError, OSError, subprocess.TimeoutExpired):
        return ""
    lines = [line for line in done.stdout.splitlines() if line.startswith(_FLAG)]
    return lines[0].removeprefix(_FLAG).strip() if lines else ""
