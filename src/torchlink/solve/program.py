"""Another tool's program, run to its end with an argument list."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from torchlink.model.errors import TorchlinkError


def run_program(
    tool: str,
    command: Sequence[str],
    folder: Path | None,
    variables: Mapping[str, str],
    *,
    timeout_s: float,
    mend: str,
) -> subprocess.CompletedProcess[str]:
    """Run a program that asks nothing; its exit code is the caller's to judge.

    Args:
        tool: what the user calls it.
        command: the program's path, and its arguments.
        folder: where it runs; here without one.
        variables: its environment variables.
        timeout_s: when it is ended.
        mend: what the user can do where it has not ended by then.

    Raises:
        TorchlinkError: it cannot be started, or does not end in time.
    """
    try:
        return subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            cwd=folder,
            env=variables,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TorchlinkError(f"{tool} has not answered within {timeout_s:.0f} s", mend=mend) from None
    except OSError as error:
        raise TorchlinkError(f"{tool} cannot be started ({error.strerror})", where=command[0]) from None
