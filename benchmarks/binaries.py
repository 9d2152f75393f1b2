"""``python -m benchmarks.binaries ENVIRONMENT``: what binaries and metadata decide, without following any import.

The environment is read, with nothing remembered, all its ELF files too, and every library is linked against what would
be loaded with it; requirements and platforms are linked as ``torchlink check`` links them. In a process of its own, so
that its memory is its own; the time begins before torchlink is imported.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path


def measure(environment: Path) -> None:
    """Do it here, and print what each part took."""
    marks = [time.perf_counter()]
    from torchlink.catalog.cache import NullCache
    from torchlink.catalog.torch_exports import shipped_exports
    from torchlink.link.natives import NativeLinker
    from torchlink.link.owners import Owners
    from torchlink.link.platform import link_platform
    from torchlink.link.requires import link_requires
    from torchlink.read.environment import find, survey
    from torchlink.read.subject import installed

    marks.append(time.perf_counter())
    subject = installed(survey(find(None, environment, {}), {}), NullCache())
    marks.append(time.perf_counter())
    owners = Owners(subject.environment)
    linker = NativeLinker(
        subject.environment, subject.files, subject.natives, owners=owners, torch_exports=shipped_exports
    )
    for path in subject.natives:
        linker.load(path)
    marks.append(time.perf_counter())
    references = sum(
        links.references for links in (link_requires(subject.environment), link_platform(subject.environment))
    )
    marks.append(time.perf_counter())
    parts = ("imports", "reading", "libraries", "metadata")
    for part, began, ended in zip(parts, marks, marks[1:], strict=False):
        print(f"{part:10} {ended - began:6.2f} s")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"{'all':10} {marks[-1] - marks[0]:6.2f} s, {memory} MB; {len(subject.natives)} libraries, {references} others"
    )


def main() -> int:
    """Measure in another process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", type=Path)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        measure(options.environment)
        return 0
    command = [sys.executable, "-m", "benchmarks.binaries", str(options.environment.absolute()), "--here"]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
