"""Hold ``rules/signatures/names.toml`` against real releases: which have each name, and which have not.

Usage: ``python scripts/known_names.py FOLDER [PACKAGE...]``. FOLDER holds environments (as ``benchmarks.exam`` builds
them), whose installed releases are looked at; wheels of the releases on both sides of each claim are downloaded for the
small packages. Every claim that does not hold is printed; the exit code is 1 where there is one.

A name counts as there if the module's source, or the package's stub of lazy imports, holds it as a word.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from packaging.version import Version

from torchlink.rules.signatures import KnownName, known_names

LARGE = frozenset({"torch", "torchvision", "torchaudio", "triton", "scipy", "python", "torchtext"})
"""Packages whose wheels are too large (or that have none): only what is installed in FOLDER is looked at."""
_COMPILED = re.compile(r"u?int\d|float8_\w+")
"""Data types of torch, which stand in no Python source of most releases."""
Sources = Mapping[str, str]
"""Source by path, as in a wheel."""


def main() -> int:
    """Check every claim."""
    environments, chosen = Path(sys.argv[1]), set(sys.argv[2:])
    wrong = 0
    for package, names in sorted(_by_package(chosen).items()):
        releases = dict(_installed(environments, package))
        if package not in LARGE:
            releases |= _downloaded(package, names, set(releases))
        for known in names:
            for release in sorted(releases, key=Version):
                wrong += _judge(known, release, releases[release])
    return int(bool(wrong))


def _by_package(chosen: set[str]) -> Mapping[str, list[KnownName]]:
    packages: defaultdict[str, list[KnownName]] = defaultdict(list)
    for known in known_names().values():
        if not chosen or known.package in chosen:
            packages[known.package].append(known)
    return packages


def _judge(known: KnownName, release: str, sources: Sources) -> bool:
    """Whether what is claimed of a release is wrong."""
    version = Version(release)
    added = not known.added or version >= Version(known.added)
    removed = bool(known.removed) and version >= Version(known.removed)
    expected = added and not removed
    if (not known.added and not removed) or _COMPILED.fullmatch(known.name):
        return False  # how long it has been there is not claimed; or it cannot be seen
    if _has(known, sources) is expected:
        return False
    print(f"{known.package} {release}: {known.module} {known.name}: claimed {expected}")
    return True


def _has(known: KnownName, sources: Sources) -> bool:
    path = known.module.replace(".", "/")
    files = [source for name in (f"{path}.py", f"{path}/__init__.py") if (source := sources.get(name)) is not None]
    if not known.name:
        return bool(files)
    if f"{path}/{known.name}.py" in sources or f"{path}/{known.name}/__init__.py" in sources:
        return True
    return _holds(known.module, known.name, sources, depth=3)


_STAR = re.compile(r"^from (\.*[\w.]*) import \*", re.MULTILINE)


def _holds(module: str, name: str, sources: Sources, depth: int) -> bool:
    """Whether a module's source, or that of a module whose names it takes over, holds a word."""
    path = module.replace(".", "/")
    package = f"{path}/__init__.py" in sources
    source = sources.get(f"{path}.py" if not package else f"{path}/__init__.py", "")
    # What a compiled module provides stands in its stub.
    if re.search(rf"\b{re.escape(name)}\b", source + sources.get(f"{path}/_C/__init__.pyi", "")):
        return True
    others = (_absolute(module, found, package) for found in _STAR.findall(source))
    return depth > 0 and any(_holds(other, name, sources, depth - 1) for other in others)


def _absolute(module: str, relative: str, package: bool) -> str:
    dots = len(relative) - len(relative.lstrip("."))
    if not dots:
        return relative
    parts = module.split(".")
    base = parts[: len(parts) - dots + package]
    return ".".join([*base, relative[dots:]]).strip(".")


def _installed(environments: Path, package: str) -> Iterator[tuple[str, Sources]]:
    seen: set[str] = set()
    stem = package.replace("-", "_")
    for info in sorted(environments.glob(f"*/lib/python3.*/site-packages/{stem}-*.dist-info")):
        release = info.name.removesuffix(".dist-info").partition("-")[2].partition("+")[0]
        if release not in seen:
            seen.add(release)
            modules = {known.module.partition(".")[0] for known in _by_package({package})[package]}
            yield release, _folder(info.parent, frozenset(modules))


def _folder(site: Path, modules: frozenset[str]) -> Sources:
    return {
        path.relative_to(site).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for module in modules
        for path in (*(site / module).rglob("*.py"), *(site / module).glob("_C/*.pyi"))
    }


def _downloaded(package: str, names: list[KnownName], have: set[str]) -> Mapping[str, Sources]:
    wanted = {side for known in names for claim in (known.added, known.removed) for side in _sides(package, claim)}
    found: dict[str, Sources] = {}
    for release in sorted(wanted - have, key=Version):
        sources = _wheel(package, release)
        if sources:
            found[release] = sources
    return found


def _sides(package: str, release: str) -> tuple[str, ...]:
    """The release that is claimed, and the one before it."""
    every = _releases(package)
    if not release or not every:
        return ()
    after = [one for one in every if Version(one) >= Version(release)]
    before = [one for one in every if Version(one) < Version(release)]
    return (*before[-1:], *after[:1])


@lru_cache(maxsize=64)
def _releases(package: str) -> tuple[str, ...]:
    command = ["pip", "index", "versions", package]
    done = subprocess.run(command, capture_output=True, text=True)
    line = next((line for line in done.stdout.splitlines() if line.startswith("Available versions:")), "")
    versions = [Version(one.strip()) for one in line.partition(":")[2].split(",") if one.strip()]
    return tuple(str(one) for one in sorted(versions) if not one.is_prerelease)


def _wheel(package: str, release: str) -> Sources:
    with tempfile.TemporaryDirectory() as folder:
        target = ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--dest", folder]
        command = ["pip", "download", "--quiet", *target, f"{package}=={release}"]
        subprocess.run(command, capture_output=True)
        wheels = list(Path(folder).glob("*.whl"))
        if not wheels:
            print(f"{package} {release}: no wheel", file=sys.stderr)
            return {}
        with zipfile.ZipFile(wheels[0]) as wheel:
            names = [name for name in wheel.namelist() if name.endswith(".py")]
            return {name: wheel.read(name).decode("utf-8", "replace") for name in names}


if __name__ == "__main__":
    sys.exit(main())
