"""Facts of released wheels: those that ship with torchlink, those in the user's cache, and those that are read now."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files

from packaging.utils import parse_wheel_filename
from packaging.version import Version

from torchlink.catalog.torch_exports import shipped_exports
from torchlink.catalog.wheels import Wheels, open_archive
from torchlink.model.errors import UnreadableError
from torchlink.model.native import NumpyAbi
from torchlink.model.release import ReleaseFact
from torchlink.read.http import UnreachableError
from torchlink.read.index import IndexFile, best_wheel
from torchlink.read.release import read_release

FORMAT = 2
_FOLDER = "data"


def release_fact(wheels: Wheels, name: str, version: str) -> ReleaseFact:
    """The facts of the wheel that an installer takes of a release.

    Raises:
        UnreadableError: there is no wheel of it for this interpreter, or it cannot be read.
        UnreachableError: no index answers, and nothing is known.
    """
    known = shipped(name)
    ranks = {tag: rank for rank, tag in reversed(list(enumerate(wheels.tags)))}
    try:
        found = wheels.release(name, Version(version).public)
    except UnreachableError:
        return _of_shipped(known, name, version, ranks)
    file = best_wheel(found, Version(version), ranks)
    if file is None:
        raise UnreadableError("has no wheel for this Python and platform", where=f"{name} {version}")
    return known.get(file.sha256) or _read(wheels, file, name)


def _of_shipped(known: Mapping[str, ReleaseFact], name: str, version: str, ranks: Mapping[str, int]) -> ReleaseFact:
    """Offline: the shipped fact of a wheel of this release that suits."""
    for fact in known.values():
        if Version(fact.version) == Version(version) and suits(fact, ranks):
            return fact
    raise UnreachableError(f"{name} {version} was not read before", mend="ask once with a network, without --offline")


def suits(fact: ReleaseFact, supported: Container[str]) -> bool:
    """Whether an interpreter with these tags would take the wheel."""
    return any(str(tag) in supported for tag in parse_wheel_filename(fact.filename)[3])


def _read(wheels: Wheels, file: IndexFile, name: str) -> ReleaseFact:
    kept = wheels.store.get("release-fact", f"{FORMAT}:{file.sha256}") if file.sha256 else None
    if kept is not None:
        return unpack(kept.decode())
    if wheels.offline:
        raise UnreachableError(f"{file.filename} was not read before", mend="ask once without --offline")
    with open_archive(file) as archive:
        fact = read_release(archive, file, name, shipped_exports())
    if file.sha256:
        wheels.store.put("release-fact", f"{FORMAT}:{file.sha256}", pack(fact).encode())
    return fact


@lru_cache(maxsize=64)
def shipped(name: str) -> Mapping[str, ReleaseFact]:
    """The facts of a package that come with torchlink, by the wheel's SHA-256; empty where there are none."""
    path = files("torchlink.catalog") / _FOLDER / f"{name}.jsonl"
    if not path.is_file():
        return {}
    facts = map(unpack, path.read_text(encoding="utf-8").splitlines())
    return {fact.sha256: fact for fact in facts}


def shipped_names() -> tuple[str, ...]:
    """The packages of which facts come with torchlink."""
    folder = files("torchlink.catalog") / _FOLDER
    names = (path.name for path in folder.iterdir()) if folder.is_dir() else iter(())
    return tuple(sorted(name.removesuffix(".jsonl") for name in names if name.endswith(".jsonl")))


def pack(fact: ReleaseFact) -> str:
    """A fact as one line of JSON; what is empty is left out."""
    values = {key: value for key, value in asdict(fact).items() if value or key == "size"}
    values["numpy"] = fact.numpy.value
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def unpack(line: str) -> ReleaseFact:
    """The fact that was packed."""
    values = json.loads(line)
    numpy = NumpyAbi(values.pop("numpy"))
    lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    return ReleaseFact(numpy=numpy, **{**values, **lists})


def lines(facts: Iterable[ReleaseFact]) -> Iterator[str]:
    """Facts as the lines of a shipped file: oldest version first, then by name of the wheel."""
    for fact in sorted(facts, key=lambda one: (Version(one.version), one.filename)):
        yield pack(fact)
