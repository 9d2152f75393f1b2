"""Error signatures: what a message of a known mechanism looks like, what its causes are, and what helps.

The TOML files beside this module hold them, a file for each family of mechanisms; ``schema.json`` is their schema and
docs/signatures.md explains how one is written. Patterns stay strings until a log holds one of a signature's anchors.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

from torchlink.model.finding import Warned
from torchlink.model.plan import Step
from torchlink.model.reference import Kind, Severity

FOLDER = Path(__file__).parent
_TABLES = frozenset({"packages.toml", "names.toml"})
"""TOML files beside the signatures that hold no signature."""
_HEADING = re.compile(r"^\[\[signature\]\]$\n", re.MULTILINE)
_ANCHORS = re.compile(r"^anchors = .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a cause is the one. What cannot be decided from the log or the environment leaves it possible."""

    versions: Mapping[str, str]
    """Specifiers by package (or ``python``)."""
    facts: Mapping[str, str]
    """Patterns by fact: a fact that is absent, or does not match, excludes the cause."""
    text: str = ""
    """A pattern; a log that holds it speaks for the cause, if no version speaks against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A change that mends. Texts may name facts in braces, as all texts of a cause may."""

    summary: str
    steps: tuple[Step, ...]
    security: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause that a message may have."""

    code: str
    title: str
    cause: str
    culprits: tuple[str, ...]
    when: Condition | None
    tell: str
    kind: Kind
    needer: str
    provider: str
    innocent: tuple[Warned, ...]
    avoid: tuple[Warned, ...]
    verify: tuple[str, ...]
    fixes: tuple[Fix, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a signature's facts come from."""

    where: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One mechanism's message."""

    code: str
    mechanism: str
    """One sentence for the documentation."""
    severity: Severity
    weight: int
    """0: a message that follows from another one; 1: general; 2: says what failed."""
    anchors: tuple[str, ...]
    """Literal texts; a log without any of them does not hold the signature."""
    patterns: tuple[str, ...]
    """Regular expressions over a few lines around an anchor; their named groups are facts."""
    causes: tuple[Cause, ...]
    evidence: tuple[Source, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownName:
    """A module or a name that came or went with a release."""

    package: str
    module: str
    name: str
    added: str = ""
    removed: str = ""
    instead: str = ""
    needers: tuple[str, ...] = ()
    """Packages of which releases are known to need it, with the specifier of those releases: ``diffusers<0.29``."""


class _Step(TypedDict, total=False):
    op: str
    package: str
    to: str
    file: str


class _Fix(TypedDict, total=False):
    summary: str
    steps: list[_Step]
    security: str
    note: str


class _When(TypedDict, total=False):
    versions: dict[str, str]
    facts: dict[str, str]
    text: str


class _Cause(TypedDict, total=False):
    code: str
    title: str
    cause: str
    culprits: list[str]
    when: _When
    tell: str
    kind: str
    needer: str
    provider: str
    innocent: dict[str, str]
    avoid: dict[str, str]
    verify: list[str]
    fix: list[_Fix]


class _Source(TypedDict):
    where: str
    says: str


class _Signature(TypedDict, total=False):
    code: str
    mechanism: str
    kind: str
    severity: str
    weight: int
    anchors: list[str]
    patterns: list[str]
    needer: str
    provider: str
    cause: list[_Cause]
    evidence: list[_Source]
    examples: list[str]


class _Signatures(TypedDict):
    signature: list[_Signature]


class _Name(TypedDict, total=False):
    package: str
    module: str
    names: str
    added: str
    removed: str
    instead: str
    needers: list[str]


class _Names(TypedDict):
    name: list[_Name]


class _Packages(TypedDict):
    distributions: dict[str, str]
    torch_extensions: dict[str, str]


def files() -> tuple[Path, ...]:
    """The files that hold signatures, by name."""
    return tuple(sorted(path for path in FOLDER.glob("*.toml") if path.name not in _TABLES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A signature that is not parsed yet, beyond the texts that tell whether it is worth it."""

    anchors: tuple[str, ...]
    text: str
    """Its part of the file."""

    def signature(self) -> Signature:
        """Parse it."""
        return _parsed(self.text)


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """Every signature that is shipped, unparsed: most logs need two or three of them."""
    return tuple(entry for path in files() for entry in entries_of(path))


def entries_of(path: Path) -> tuple[Entry, ...]:
    """The signatures of one file, unparsed. Each begins with ``[[signature]]`` and has its anchors on one line."""
    _, *parts = _HEADING.split(path.read_text(encoding="utf-8"))
    return tuple(Entry(anchors=_anchors(part), text=f"[[signature]]\n{part}") for part in parts)


def _anchors(part: str) -> tuple[str, ...]:
    line = _ANCHORS.search(part)
    table: _Signature = _parse(line[0] if line else "")  # type: ignore[assignment]
    return tuple(table.get("anchors", ()))


@lru_cache(maxsize=256)
def _parsed(text: str) -> Signature:
    document: _Signatures = _parse(text)  # type: ignore[assignment]
    return _signature(document["signature"][0])


def distributions() -> Mapping[str, str]:
    """Distributions by their import names and the names of their native modules."""
    return _packages()["distributions"]


@lru_cache(maxsize=1)
def torch_extensions() -> frozenset[str]:
    """Packages whose native part is compiled against torch."""
    return frozenset(_packages()["torch_extensions"]["names"].split())


@lru_cache(maxsize=1)
def _packages() -> _Packages:
    document: _Packages = _toml(FOLDER / "packages.toml")  # type: ignore[assignment]
    return document


@lru_cache(maxsize=1)
def known_names() -> Mapping[tuple[str, str], KnownName]:
    """Modules (with an empty name) and names that came or went, by module and name."""
    document: _Names = _toml(FOLDER / "names.toml")  # type: ignore[assignment]
    return {(one.module, one.name): one for entry in document["name"] for one in _names(entry)}


def _names(entry: _Name) -> list[KnownName]:
    return [
        KnownName(
            package=entry["package"],
            module=entry["module"],
            name=name,
            added=entry.get("added", ""),
            removed=entry.get("removed", ""),
            instead=entry.get("instead", ""),
            needers=tuple(entry.get("needers", ())),
        )
        for name in entry.get("names", "").split() or [""]
    ]


def _signature(entry: _Signature) -> Signature:
    return Signature(
        code=entry["code"],
        mechanism=entry["mechanism"],
        severity=Severity(entry.get("severity", "break")),
        weight=entry.get("weight", 2),
        anchors=tuple(entry["anchors"]),
        patterns=tuple(entry["patterns"]),
        causes=tuple(_cause(cause, entry) for cause in entry["cause"]),
        evidence=tuple(Source(where=one["where"], says=one["says"]) for one in entry["evidence"]),
        examples=tuple(entry["examples"]),
    )


def _cause(entry: _Cause, signature: _Signature) -> Cause:
    return Cause(
        code=entry["code"],
        title=entry["title"],
        cause=entry["cause"],
        culprits=tuple(entry["culprits"]),
        when=_condition(entry["when"]) if "when" in entry else None,
        tell=entry.get("tell", ""),
        kind=Kind(entry.get("kind", signature["kind"])),
        needer=entry.get("needer", signature["needer"]),
        provider=entry.get("provider", signature["provider"]),
        innocent=_warned(entry.get("innocent", {})),
        avoid=_warned(entry.get("avoid", {})),
        verify=tuple(entry.get("verify", ())),
        fixes=tuple(_fix(one) for one in entry["fix"]),
    )


def _condition(entry: _When) -> Condition:
    return Condition(versions=entry.get("versions", {}), facts=entry.get("facts", {}), text=entry.get("text", ""))


def _warned(entry: Mapping[str, str]) -> tuple[Warned, ...]:
    return tuple(Warned(what=what, why=why) for what, why in entry.items())


def _fix(entry: _Fix) -> Fix:
    return Fix(
        summary=entry["summary"],
        steps=tuple(_step(one) for one in entry.get("steps", ())),
        security=entry.get("security", ""),
        note=entry.get("note", ""),
    )


def _step(entry: _Step) -> Step:
    return Step(op=entry["op"], package=entry.get("package", ""), new=entry.get("to", ""), file=entry.get("file", ""))


def _toml(path: Path) -> Mapping[str, object]:
    return _parse(path.read_text(encoding="utf-8"))


def _parse(text: str) -> Mapping[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    document: Mapping[str, object] = tomllib.loads(text)
    return document
