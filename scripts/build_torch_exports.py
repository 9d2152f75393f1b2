"""Read what the released wheels of torch export, and write the table that ships with torchlink.

Usage: ``python scripts/build_torch_exports.py``. A release that the table holds is not read again. ``--check VERSION``
reads one again and says whether the table has the same of it. A wheel's libraries stream by and are not kept: 0.5 GB
of memory, no disk.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.version import Version

from torchlink.catalog.torch_exports import MinedWheel, TorchExports, digest, gathered, pack, unpack
from torchlink.catalog.wheels import open_archive
from torchlink.read.elf import DynamicSection
from torchlink.read.elf_image import ElfImage
from torchlink.read.foreign import unseen
from torchlink.read.index import IndexFile, best_wheel, files_on_index
from torchlink.read.uv_program import default_index

TABLE = Path(__file__).parent.parent / "src" / "torchlink" / "catalog" / "data" / "torch-exports.bin"
OLDEST = Version("1.8.0")
PYTHONS = ("3.11", "3.9")
PLATFORM = "manylinux_2_39_x86_64"
LIBRARY = re.compile(r"torch/lib/lib(?:torch|c10|shm)\w*\.so")


def main() -> int:
    """Add the releases that the table lacks, or check one that it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", metavar="VERSION", help="read a release again and compare")
    options = parser.parse_args()
    known = unpack(TABLE.read_bytes()) if TABLE.exists() else gathered(())
    if options.check:
        return check(known, options.check)
    for file in reversed(tuple(wheels())):
        if all(wheel.sha256 != file.sha256 for wheel in known.wheels):
            known = with_wheel(known, file)
            TABLE.write_bytes(pack(known))
            print(f"{file.filename}: {len(known.wheels)} releases, {len(pack(known)) >> 10} KB", flush=True)
    return 0


def check(known: TorchExports, version: str) -> int:
    """Read a wheel again."""
    place = known.releases.index(version)
    file = next(file for file in files_on_index(default_index(), "torch") if file.sha256 == known.wheels[place].sha256)
    same = exported(file) == known.of_release(place)
    print(f"{file.filename}: {'the same' if same else 'different'}")
    return int(not same)


def wheels() -> Iterator[IndexFile]:
    """The wheel of each release, oldest first."""
    files = [one for one in files_on_index(default_index(), "torch") if one.is_wheel and not one.yanked]
    ranks = [{tag: rank for rank, tag in enumerate(unseen(python, PLATFORM).tags)} for python in PYTHONS]
    for version in sorted({Version(file.version) for file in files}):
        own = [file for file in files if Version(file.version) == version]
        found = next((file for tags in ranks if (file := best_wheel(own, version, tags))), None)
        if found is not None and version >= OLDEST and not version.is_prerelease:
            yield found


def with_wheel(known: TorchExports, file: IndexFile) -> TorchExports:
    """The table with one wheel more."""
    new = (MinedWheel(version=file.version, filename=file.filename, sha256=file.sha256), exported(file))
    rest = [(wheel, known.of_release(place)) for place, wheel in enumerate(known.wheels)]
    others = [(wheel, digests) for wheel, digests in rest if wheel.version != file.version]
    return gathered(sorted([*others, new], key=lambda one: Version(one[0].version)))


def exported(file: IndexFile) -> frozenset[bytes]:
    """The digests of what the libraries of a wheel export."""
    with open_archive(file) as archive:
        members = [member for member in archive.members if LIBRARY.fullmatch(member.name)]
        return frozenset(
            digest(name)
            for member in members
            for image in (ElfImage(member.name, archive.held(member)),)
            for name in DynamicSection(image).exports()
        )


if __name__ == "__main__":
    sys.exit(main())
