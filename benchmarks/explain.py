"""How right and how fast ``torchlink explain`` is.

Usage: ``python -m benchmarks.explain ../shared/exam/incidents.jsonl [--rows]`` grades it on real incidents: only the
error text of each is given to it, and an answer counts where one of the incident's culprits is among those of the first
finding. ``python -m benchmarks.explain --speed`` times a log of 5 MB.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from torchlink.model.finding import Finding
from torchlink.pipeline import explain

MEGABYTES = 5
RUNS = 7
HELD_OUT = 3
"""Every third incident (the third, the sixth, ...) was held out while the signatures were written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One public incident report."""

    id: str
    error: str
    culprits: frozenset[str]
    root: str
    cause: str
    fix: str
    graded: bool
    """Whether it has culprits, a basis better than ``inferred`` and an error text that is not a reporter's sentence."""
    held_out: bool


def incidents(path: Path) -> Iterator[Incident]:
    """The incidents of a file, one JSON object a line."""
    for place, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        culprits = frozenset(row.get("culprit_ids") or ())
        yield Incident(
            id=row["id"],
            error=row["error"],
            culprits=culprits,
            root=row.get("root", ""),
            cause=row.get("cause", ""),
            fix=row.get("fix", ""),
            graded=bool(culprits) and row.get("basis") != "inferred" and row.get("error_form") != "reporter-sentence",
            held_out=place % HELD_OUT == HELD_OUT - 1,
        )


def first_finding(incident: Incident) -> Finding | None:
    """What is said first of an incident's error text alone."""
    report = explain(incident.error.encode(), name=incident.id, environment=False)
    return report.findings[0] if report.findings else None


def grade(every: Iterable[Incident], *, rows: bool) -> None:
    """Print how many first findings name a culprit: in all, by mechanism, on what was seen and on what was held out."""
    right: Counter[str] = Counter()
    number: Counter[str] = Counter()
    for incident in every:
        finding = first_finding(incident)
        agrees = finding is not None and not incident.culprits.isdisjoint(finding.culprits)
        if rows:
            _print_row(incident, finding, agrees)
        if not incident.graded:
            continue
        for group in ("all", "held out" if incident.held_out else "seen", f"  {incident.root}"):
            number[group] += 1
            right[group] += agrees
    for group in sorted(number, key=lambda name: (name.startswith(" "), -number[name])):
        print(f"{right[group]:4d} of {number[group]:3d}  {right[group] / number[group]:6.1%}  {group}")


def _print_row(incident: Incident, finding: Finding | None, agrees: bool) -> None:
    mark = ("right" if agrees else "WRONG") if incident.graded else "-"
    print(f"{incident.id} {mark} {sorted(incident.culprits)}")
    print(f"  reported: {incident.cause}\n  reported fix: {incident.fix}")
    print(f"  torchlink: {f'{list(finding.culprits)} {finding.title}' if finding else 'nothing'}\n")


def speed() -> None:
    """Time ``explain`` on logs of 5 MB, as a command of its own."""
    logs = {
        "one error": _FAILURE,
        "training": _training(),
        "errors": _errors(),
        "distinct": _distinct(),
        "one line": _one_line(),
    }
    for name, text in logs.items():
        with tempfile.NamedTemporaryFile("w", suffix=".log", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            times = [_timed(file.name) for _ in range(RUNS)]
        wall, processor = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"{name:10s} {len(text) / 1e6:.1f} MB  {wall:.3f} s, of the processor {processor:.3f} s")


def _timed(path: str) -> tuple[float, float]:
    """Seconds on the wall, and of processor time: the second hardly depends on what else the machine does."""
    torchlink = str(Path(sys.executable).with_name("torchlink"))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([torchlink, "explain", "--no-environment", path], stdout=subprocess.DEVNULL, check=False)
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return ended - began, (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


_FAILURE = """Traceback (most recent call last):
  File "/home/u/train.py", line 3, in <module>
    import torchvision
RuntimeError: operator torchvision::nms does not exist
"""


def _training() -> str:
    line = (
        "2026-01-01T00:00:{:02d}.1234567Z [INFO] step {}/100000 loss={:.6f} lr=1e-4 grad_norm=0.4312 tokens/s=48211.3\n"
    )
    lines = [line.format(step % 60, step, 1 / (step + 1)) for step in range(MEGABYTES * 10**6 // len(line))]
    return "".join(lines) + _FAILURE


def _errors() -> str:
    line = "worker {}: RuntimeError: could not read sample {}: cannot open file, retrying after warning {}\n"
    lines = [line.format(place % 64, place, place * 7) for place in range(MEGABYTES * 10**6 // len(line))]
    return "".join(lines) + _FAILURE


def _distinct() -> str:
    """No line like another, whatever one leaves out of them."""
    words = Random(0)  # noqa: S311 - text for a benchmark
    count = MEGABYTES * 10**6 // 100
    lines = ("".join(words.choices("abcdefghijklmnopqrstuvwxyz -", k=99)) for _ in range(count))
    return "\n".join([*lines, _FAILURE])


def _one_line() -> str:
    return "x" * (MEGABYTES * 10**6) + "\n" + _FAILURE


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("incidents", nargs="?", type=Path, help="a file of incidents, one JSON object a line")
    parser.add_argument("--rows", action="store_true", help="print every incident beside the answer")
    parser.add_argument("--speed", action="store_true", help="time logs of 5 MB instead")
    arguments = parser.parse_args()
    if arguments.speed:
        speed()
    elif arguments.incidents is None:
        parser.error("name a file of incidents, or ask for --speed")
    else:
        grade(incidents(arguments.incidents), rows=arguments.rows)


if __name__ == "__main__":
    main()
