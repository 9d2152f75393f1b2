"""Read the facts of released wheels that ship with torchlink, and write them to ``src/torchlink/catalog/data``.

Usage: ``python scripts/build_catalog.py [PACKAGE ...]``. Without names every package of ``PACKAGES`` is read. What is
there already is kept: a wheel's facts never change, so only wheels that are new are read. ``--check COUNT`` reads some
of the shipped wheels again and says whether their facts are the same.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from torchlink.catalog.releases import lines, shipped, shipped_names
from torchlink.catalog.torch_exports import shipped_exports
from torchlink.catalog.wheels import open_archive
from torchlink.model.errors import TorchlinkError
from torchlink.model.release import ReleaseFact
from torchlink.read.foreign import unseen
from torchlink.read.index import IndexFile, best_wheel, files_on_index
from torchlink.read.release import read_release
from torchlink.read.uv_program import default_index

DATA = Path(__file__).parent.parent / "src" / "torchlink" / "catalog" / "data"
SINCE = "2023-01-01"
BATCH = 8
PYTHONS = ("3.11", "3.12", "3.10", "3.13", "3.9", "3.14")
"""A release's wheel for the first of these that it has one for."""
LINUX, WINDOWS, MAC, ARM = "manylinux_2_39_x86_64", "win_amd64", "macosx_14_0_arm64", "manylinux_2_39_aarch64"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which wheels of a package are read."""

    every: bool = False
    """Every release, not the newest of each minor release alone."""
    windows: bool = False
    others: bool = False
    """macOS and ARM, the newest of each minor release."""


CORE = Wanted(every=True, windows=True, others=True)
PACKAGES = {
    **dict.fromkeys(("torch", "torchvision", "torchaudio", "numpy"), CORE),
    **dict.fromkeys(("torchao", "xformers", "triton"), Wanted(every=True)),
    **dict.fromkeys(
        (
            "transformers", "tokenizers", "huggingface-hub", "diffusers", "accelerate", "peft", "trl", "datasets",
            "safetensors", "ultralytics", "yolov5", "lightning", "pytorch-lightning", "torchmetrics", "timm",
            "bitsandbytes", "flash-attn", "pandas", "scipy", "scikit-learn", "opencv-python", "numba", "onnxruntime",
        ),
        Wanted(),
    ),
}  # fmt: skip


def main() -> int:
    """Build the files that are asked for, or check some of their lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE")
    parser.add_argument("--check", type=int, metavar="COUNT", help="read so many shipped wheels again and compare")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.check:
        return check(options.check)
    DATA.mkdir(exist_ok=True)
    for name in options.packages or PACKAGES:
        build(name, PACKAGES[name], options.threads)
    return 0


def build(name: str, wanted: Wanted, threads: int) -> None:
    """Write the file of one package, anew after each few wheels: whoever is interrupted goes on from there."""
    files = chosen(name, wanted)
    known = shipped(name)
    found = {file.sha256: known[file.sha256] for file in files if file.sha256 in known}
    missing = [file for file in files if file.sha256 not in known]
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(missing), BATCH):
            facts = pool.map(lambda file: read(name, file), missing[start : start + BATCH])
            found.update({fact.sha256: fact for fact in facts if fact is not None})
            _write(name, found.values())
    if found:  # flash-attn has no wheel on the index
        _write(name, found.values())
    print(f"{name}: {len(found)} wheels", flush=True)


def _write(name: str, facts: Iterable[ReleaseFact]) -> None:
    path = DATA / f"{name}.jsonl"
    beside = path.with_suffix(".new")
    beside.write_text("".join(f"{line}\n" for line in lines(facts)), encoding="utf-8")
    beside.replace(path)


def check(count: int) -> int:
    """Read a sample of the shipped wheels again."""
    facts = [(name, fact) for name in shipped_names() for fact in shipped(name).values()]
    sample = random.sample(facts, min(count, len(facts)))
    different = [fact.filename for name, fact in sample if again(name, fact) != fact]
    print(f"{len(sample)} wheels read again, {len(different)} differ: {' '.join(different)}")
    return int(bool(different))


def again(name: str, fact: ReleaseFact) -> ReleaseFact | None:
    """The facts of a shipped wheel, read now."""
    file = next(file for file in files_on_index(default_index(), name) if file.sha256 == fact.sha256)
    return read(name, file)


def chosen(name: str, wanted: Wanted) -> list[IndexFile]:
    """The wheels to read, oldest release first."""
    files = [
        one
        for one in files_on_index(default_index(), name)
        if one.is_wheel and not one.yanked and one.uploaded >= SINCE
    ]
    versions = sorted({Version(file.version) for file in files if not Version(file.version).is_prerelease})
    newest = sorted({version.release[:2]: version for version in versions}.values())
    found = list(_best(files, versions if wanted.every else newest, LINUX))
    if wanted.windows:
        found += _best(files, versions, WINDOWS)
    if wanted.others:
        found += [*_best(files, newest, MAC), *_best(files, newest, ARM)]
    return list({file.filename: file for file in found}.values())


def _best(files: Sequence[IndexFile], versions: Sequence[Version], platform: str) -> Iterator[IndexFile]:
    ranks = [{tag: rank for rank, tag in enumerate(unseen(python, platform).tags)} for python in PYTHONS]
    for version in versions:
        own = [file for file in files if Version(file.version) == version]
        found = next((file for tags in ranks if (file := best_wheel(own, version, tags))), None)
        if found is not None:
            yield found


def read(name: str, file: IndexFile) -> ReleaseFact | None:
    """The facts of a wheel; one that cannot be read is said, and left out."""
    try:
        with open_archive(file) as archive:
            return read_release(archive, file, name, shipped_exports())
    except TorchlinkError as error:
        print(f"{file.filename}: {error}", file=sys.stderr, flush=True)
        return None


if __name__ == "__main__":
    sys.exit(main())
