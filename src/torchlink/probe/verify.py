"""The user's own check: the command that ``[tool.torchlink] verify`` names, and the counts of tests in its output."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from torchlink.model.probe import ProbeResult, ProbeStatus

TIMEOUT_S = 1800.0
_MAX_OUTPUT = 256 * 1024
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PYTEST = re.compile(r"^=*\s*((?:\d+ [a-z]+(?:, )?)+) in [\d.]+", re.MULTILINE)
_COUNT = re.compile(r"(\d+) (passed|failed|error|errors)\b")
_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
_FAILED = re.compile(r"^FAILED \((.*)\)", re.MULTILINE)
_UNITTEST_COUNT = re.compile(r"(failures|errors|unexpected successes|skipped)=(\d+)")


def verify(command: Sequence[str], project: Path, prefix: Path, variables: Mapping[str, str]) -> ProbeResult:
    """Run the user's command in the project's folder with the environment active.

    Args:
        command: the program and its arguments.
        project: the project's folder.
        prefix: the environment's.
        variables: the environment variables.
    """
    began = time.monotonic()
    with TemporaryFile() as output:
        try:
            code = subprocess.run(
                _resolved(command, prefix),
                cwd=project,
                env=active(prefix, variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_S,
                check=False,
            ).returncode
            text = _tail(output.fileno())
            passed, failed = counts(text)
            status, detail = _judged(code, text)
        except subprocess.TimeoutExpired:
            status, detail, passed, failed = ProbeStatus.TIMED_OUT, f"not done within {TIMEOUT_S:.0f} s", 0, 0
        except OSError as error:
            status, detail, passed, failed = ProbeStatus.FAILED, f"{command[0]} does not run ({error.strerror})", 0, 0
    return ProbeResult(
        name="verify",
        status=status,
        elapsed_s=time.monotonic() - began,
        detail=detail,
        tests_passed=passed,
        tests_failed=failed,
    )


def active(prefix: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables as they are in an activated environment."""
    scripts = _scripts(prefix)
    path = f"{scripts}{os.pathsep}{variables.get('PATH', os.defpath)}"
    kept = {name: value for name, value in variables.items() if name != "PYTHONHOME"}
    return {**kept, "PATH": path, "VIRTUAL_ENV": str(prefix), "PYTHONFAULTHANDLER": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _scripts(prefix: Path) -> Path:
    return prefix / ("Scripts" if os.name == "nt" else "bin")


def _resolved(command: Sequence[str], prefix: Path) -> list[str]:
    """The environment's own program where it has one of this name."""
    own = _scripts(prefix) / command[0]
    return [str(own) if own.is_file() else command[0], *command[1:]]


def _tail(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    os.lseek(descriptor, max(0, size - _MAX_OUTPUT), os.SEEK_SET)
    return os.read(descriptor, _MAX_OUTPUT).decode("utf-8", "replace")


def counts(text: str) -> tuple[int, int]:
    """How many tests passed and failed, by the last summary of pytest or unittest; zeros without one."""
    text = _COLOUR.sub("", text)
    if found := _PYTEST.findall(text):
        numbers = {word.rstrip("s"): int(number) for number, word in _COUNT.findall(found[-1])}
        return numbers.get("passed", 0), numbers.get("failed", 0) + numbers.get("error", 0)
    if ran := _RAN.findall(text):
        failures = _FAILED.findall(text)
        numbers = {word: int(number) for word, number in _UNITTEST_COUNT.findall(failures[-1])} if failures else {}
        failed = sum(number for word, number in numbers.items() if word != "skipped")
        return int(ran[-1]) - failed - numbers.get("skipped", 0), failed
    return 0, 0


def _judged(code: int, text: str) -> tuple[ProbeStatus, str]:
    lines = [line.strip(" =") for line in _COLOUR.sub("", text).splitlines() if line.strip(" =")]
    last = lines[-1][:300] if lines else ""
    if code == 0:
        return ProbeStatus.PASSED, last
    if code < 0:
        return ProbeStatus.CRASHED, f"signal {-code}"
    return ProbeStatus.FAILED, last or f"exit code {code}"
