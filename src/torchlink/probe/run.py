"""Runs probes in an environment's interpreter. One that kills it is a result, and the rest run in a new one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from torchlink.model.probe import ProbeResult, ProbeStatus
from torchlink.probe.catalog import Probe
from torchlink.probe.runner_script import SCRIPT
from torchlink.report.document import Node, node

_MAX_DETAIL = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a probe may take."""

    seconds: float = 300.0
    memory_bytes: int = 16 * 2**30
    """Of private data (``RLIMIT_DATA``); address space that is only reserved does not count."""
    network: bool = False


DEFAULT_LIMITS = Limits()


def run_probes(
    python: Path, probes: Sequence[Probe], variables: Mapping[str, str], limits: Limits = DEFAULT_LIMITS
) -> tuple[ProbeResult, ...]:
    """Run probes one after another, as few processes as that takes.

    Args:
        python: the environment's interpreter.
        probes: what to run.
        variables: the environment variables.
        limits: how much each may take.
    """
    results: list[ProbeResult] = []
    with TemporaryDirectory(prefix="torchlink-probe-") as folder:
        while len(results) < len(probes):
            results += _in_one_process(python, probes[len(results) :], variables, limits, folder)
    return tuple(results)


def _in_one_process(
    python: Path, probes: Sequence[Probe], variables: Mapping[str, str], limits: Limits, folder: str
) -> list[ProbeResult]:
    """The results of at least one probe."""
    order = {
        "probes": [(one.name, one.code) for one in probes],
        "memory": limits.memory_bytes,
        "network": limits.network,
    }
    quiet = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "HF_HUB_OFFLINE": "0" if limits.network else "1",
        "MPLBACKEND": "Agg",
        "TOKENIZERS_PARALLELISM": "false",
    }
    with TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                [str(python), "-X", "faulthandler", "-W", "ignore", "-c", SCRIPT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env={**variables, **quiet},
            )
        except OSError as error:
            return [_lost(one, ProbeStatus.FAILED, f"the interpreter does not run ({error})", 0.0) for one in probes]
        with process:
            return _watched(process, probes, json.dumps(order), limits, errors)


def _watched(
    process: subprocess.Popen[bytes], probes: Sequence[Probe], order: str, limits: Limits, errors: IO[bytes]
) -> list[ProbeResult]:
    results: list[ProbeResult] = []
    began = time.monotonic()
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        process.kill()

    timer = threading.Timer(limits.seconds, expire)
    timer.start()
    try:
        for line in _lines(process, order):
            timer.cancel()
            if "status" in line.members:
                results.append(_result(line))
                began = time.monotonic()
            timer = threading.Timer(limits.seconds, expire)
            timer.start()
    finally:
        timer.cancel()
        process.kill()
    code = process.wait()
    if len(results) < len(probes):
        took = time.monotonic() - began
        lost = probes[len(results)]
        if expired.is_set():
            results.append(_lost(lost, ProbeStatus.TIMED_OUT, f"not done within {limits.seconds:.0f} s", took))
        else:
            results.append(_lost(lost, ProbeStatus.CRASHED, _how_it_died(code, errors), took))
    return results


def _lines(process: subprocess.Popen[bytes], order: str) -> Iterator[Node]:
    if process.stdin is None or process.stdout is None:
        return
    try:
        process.stdin.write(order.encode() + b"\n")
        process.stdin.close()
    except OSError:  # it died before it listened; its exit code says how
        return
    for line in process.stdout:
        try:
            yield node(json.loads(line), "probe")
        except ValueError:
            continue


def _result(line: Node) -> ProbeResult:
    detail = " ".join(line.text("detail").split())[:_MAX_DETAIL]
    status = ProbeStatus(line.text("status"))
    return ProbeResult(name=line.text("name"), status=status, elapsed_s=line.number("elapsed_s"), detail=detail)


def _lost(probe: Probe, status: ProbeStatus, detail: str, elapsed: float) -> ProbeResult:
    return ProbeResult(name=probe.name, status=status, elapsed_s=elapsed, detail=detail)


def _how_it_died(code: int, errors: IO[bytes]) -> str:
    """The signal, and the innermost Python frame that the fault handler saw."""
    how = f"exit code {code}"
    if code < 0:
        try:
            how = signal.Signals(-code).name
        except ValueError:
            how = f"signal {-code}"
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 65536))
    frames = [line.strip() for line in errors.read().decode("utf-8", "replace").splitlines() if '  File "' in line]
    return f"{how} in {frames[0]}" if frames else how
