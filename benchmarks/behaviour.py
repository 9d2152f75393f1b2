"""How much of a cold check the behaviour rules take.

Usage: ``python -m benchmarks.behaviour ENVIRONMENT [PROJECT]``. Prints the seconds of the rules and of the whole check,
with an empty cache, in one process.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from torchlink import pipeline
from torchlink.link import behaviour
from torchlink.model.reference import Links


def main() -> None:
    """Time one check."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.behaviour", description=__doc__)
    parser.add_argument("environment", type=Path)
    parser.add_argument("project", type=Path, nargs="?")
    options = parser.parse_args()
    spent: list[float] = []
    link = behaviour.link_behaviour

    def timed(inputs: behaviour.BehaviourInputs) -> Links:
        began = time.perf_counter()
        links = link(inputs)
        spent.append(time.perf_counter() - began)
        return links

    behaviour.link_behaviour = timed
    began = time.perf_counter()
    pipeline.check(options.project, python=options.environment, cache=False)
    whole = time.perf_counter() - began
    rules = sum(spent)
    print(f"rules {rules:.2f} s of {whole:.2f} s: {rules / (whole - rules):.1%} of the rest")


if __name__ == "__main__":
    main()
