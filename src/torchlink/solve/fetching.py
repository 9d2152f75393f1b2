"""uv while it installs: what it says of downloads is progress, and the rest is why it failed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Timer

from torchlink.model.errors import TorchlinkError

Tell = Callable[[str, int, int], None]
_BEGUN = re.compile(r"Downloading (\S+) \((.*)\)")
_DONE = re.compile(r"Downloaded (\S+)")
_USUAL = re.compile(r"(Using|Resolved|Downloading|Downloaded|Prepared|Installed) |\+ ")


def fetched(
    command: Sequence[str], folder: Path | None, variables: Mapping[str, str], timeout_s: float, tell: Tell
) -> subprocess.CompletedProcess[str]:
    """Run uv to its end.

    Args:
        command: with neither ``--quiet`` nor ``--no-progress``.
        folder: where.
        variables: its environment variables.
        timeout_s: when it is ended.
        tell: told of each download, and how many of those that were begun are done.

    Returns:
        Its exit code, and as its stderr what it said beyond the usual.

    Raises:
        TorchlinkError: it cannot be started.
    """
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=folder,
            env=dict(variables),
        )
    except OSError as error:
        raise TorchlinkError(f"uv cannot be started ({error.strerror})", where=command[0]) from None
    timer = Timer(timeout_s, process.kill)
    timer.start()
    with process:
        try:
            said = _listen(process, tell)
        except BaseException:
            process.kill()
            raise
        finally:
            timer.cancel()
    return subprocess.CompletedProcess(command, process.returncode, "", said)


def _listen(process: subprocess.Popen[str], tell: Tell) -> str:
    begun = done = 0
    rest: list[str] = []
    for line in process.stderr or ():
        line = line.strip()
        if match := _BEGUN.match(line):
            begun += 1
            tell(f"downloading {match[1]} ({match[2]})", done, begun)
        elif match := _DONE.match(line):
            done += 1
            tell(f"downloaded {match[1]}", done, begun)
        elif not _USUAL.match(line):
            rest.append(line)
    return "\n".join(rest)
