"""``python -m benchmarks.exam``: torchlink sits the exam."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path

from benchmarks.exam.answers import answer
from benchmarks.exam.cases import Case, read_cases
from benchmarks.exam.environments import environment, frozen, in_building_order
from benchmarks.exam.grade import Answer, Mark, grade
from benchmarks.exam.tables import as_values, false_breaks, misses, table

_EXAM = Path(__file__).parents[2].parent / "shared" / "exam"


def main() -> int:
    """Run the cases that are asked for, and print what was right."""
    options = _options()
    cases = [case for case in read_cases(options.exam) if _is_wanted(case, options)]
    with tempfile.TemporaryDirectory(prefix="torchlink-exam-") as scratch:
        folder = Path(scratch) if options.frozen else options.environments or Path(scratch)
        marks = list(
            _marks(cases, options.exam, folder, keep=options.keep, jobs=options.jobs, by_wheels=options.frozen)
        )
    if options.json:
        print(json.dumps(as_values(marks), indent=1))
    else:
        print(misses(marks), false_breaks(marks), table(marks), sep="\n\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exam", description=__doc__)
    parser.add_argument("--exam", type=Path, default=_EXAM, help="folder with cases.jsonl and environments.json")
    parser.add_argument("--environments", type=Path, help="folder of environments; those that are not there are built")
    parser.add_argument("--keep", action="store_true", help="keep the environments that are built")
    parser.add_argument("--frozen", action="store_true", help="build nothing: judge the pins by their wheels")
    parser.add_argument("--family", action="append", help="only this family; may be repeated")
    parser.add_argument("--group", action="append", help="only this group; may be repeated")
    parser.add_argument("--environment", action="append", help="only this environment; may be repeated")
    parser.add_argument("--case", action="append", help="only this case; may be repeated")
    parser.add_argument("--jobs", type=int, default=2, help="checks at a time")
    parser.add_argument("--json", action="store_true", help="figures and misses as JSON")
    return parser.parse_args()


def _is_wanted(case: Case, options: argparse.Namespace) -> bool:
    bars = (
        (options.family, case.family),
        (options.group, case.group),
        (options.environment, case.environment),
        (options.case, case.id),
    )
    return all(not wanted or value in wanted for wanted, value in bars)


def _marks(cases: list[Case], exam: Path, folder: Path, *, keep: bool, jobs: int, by_wheels: bool) -> Iterator[Mark]:
    names = in_building_order(exam, (case.environment for case in cases))
    ordered = sorted(cases, key=lambda case: names.index(case.environment))
    with ThreadPoolExecutor(jobs) as pool:
        for name, group in groupby(ordered, key=lambda case: case.environment):
            own = list(group)
            print(f"{name}: {len(own)} cases", file=sys.stderr)
            if by_wheels:
                first, *rest = own  # the first question reads the wheels, the others find them read
                target = frozen(exam, folder, name)
                yield from map(grade, [answer(first, target), *pool.map(partial(answer, target=target), rest)])
            else:
                yield from map(grade, _answers(own, name, exam, folder, keep=keep, pool=pool))


def _answers(
    cases: list[Case], name: str, exam: Path, folder: Path, *, keep: bool, pool: ThreadPoolExecutor
) -> list[Answer]:
    try:
        with environment(exam, folder, name, keep=keep) as place:
            return list(pool.map(partial(answer, target=("--python", str(place / "bin" / "python"))), cases))
    except subprocess.CalledProcessError as error:
        reason = f"the environment could not be built: exit {error.returncode}"
        return [Answer(case=case, findings=(), failure=reason) for case in cases]


if __name__ == "__main__":
    sys.exit(main())
