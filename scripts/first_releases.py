"""Regenerate ``first_releases.json``: in which release a class was first seen, by reading wheels.

Usage: ``python scripts/first_releases.py WHEEL...``, wheels of transformers, diffusers and ultralytics. Classes that
the oldest of a package's wheels has already are left out: they are older than what was read.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from pathlib import Path

TARGET = Path(__file__).parent.parent / "src" / "torchlink" / "checkpoint" / "rules" / "first_releases.json"
CLASS = re.compile(r"^class (\w+)", re.MULTILINE)
FILES = {
    "transformers": re.compile(
        r"transformers/models/.*/(modeling|tokenization|image_processing|processing|feature_extraction)_\w+\.py\Z"
    ),
    "diffusers": re.compile(r"diffusers/(pipelines|models|schedulers)/.*\.py\Z"),
    "ultralytics": re.compile(r"ultralytics/nn/.*\.py\Z"),
}
NAMES = {
    "transformers": re.compile(r"\w+(For\w+|Model|Tokenizer|TokenizerFast|Processor|ProcessorFast|FeatureExtractor)\Z"),
    "diffusers": re.compile(r"\w+(Pipeline|Model|Scheduler|\dD|Transformer\w*|VAE|KL\w*)\Z"),
    "ultralytics": re.compile(r"\w+\Z"),
}


def classes(wheel: Path, package: str) -> set[str]:
    found: set[str] = set()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if FILES[package].match(name):
                text = archive.read(name).decode("utf-8", "replace")
                found.update(one for one in CLASS.findall(text) if one[0] != "_" and NAMES[package].match(one))
    return found


def _since(version: str, before: str) -> str:
    """``4.51`` for what 4.51.3 has and 4.50.3 has not: it came with 4.51.0 or soon after."""
    minor = version.rpartition(".")[0]
    return minor if minor != before.rpartition(".")[0] and not version.endswith(".0") else version


def main() -> None:
    wheels = sorted(
        (Path(name) for name in sys.argv[1:]),
        key=lambda path: [int(part) for part in path.name.split("-")[1].split(".")],
    )
    seen: dict[str, set[str]] = {}
    first: dict[str, dict[str, str]] = {}
    before: dict[str, str] = {}
    for wheel in wheels:
        package, version = wheel.name.split("-")[:2]
        found = classes(wheel, package)
        if package in seen:
            new = found - seen[package]
            first.setdefault(package, {}).update(dict.fromkeys(new, _since(version, before[package])))
        before[package] = version
        seen[package] = seen.get(package, set()) | found
    packages = {package: dict(sorted(names.items())) for package, names in sorted(first.items())}
    read = {
        package: [wheel.name.split("-")[1] for wheel in wheels if wheel.name.startswith(package)]
        for package in packages
    }
    TARGET.write_text(json.dumps({"schema": 1, "read": read, "packages": packages}, indent=0) + "\n")


if __name__ == "__main__":
    main()
