"""Which names a checkpoint may use, and why: data with its evidence, and its loader."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_NAMES = ("allowed.txt", "torch_defaults.txt", "torch_classes.txt")


@lru_cache(maxsize=1)
def allowed_names() -> frozenset[str]:
    """The allow list: exact dotted names."""
    return frozenset(name for file in _NAMES for name in _names(file))


def _names(file: str) -> list[str]:
    """The words of a text file; a line that begins with ``#`` is a comment."""
    lines = _text(file).splitlines()
    return " ".join(line for line in lines if not line.startswith("#")).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalRules:
    """The words for what is not on the allow list."""

    nested: frozenset[str]
    """Allowed where called with literal bytes, which are looked into."""
    danger: dict[str, str]
    """Exact names that are called dangerous, with what they do."""
    danger_modules: dict[str, str]
    """Modules of which everything is called dangerous."""

    def danger_of(self, path: str) -> str:
        """What a name does that makes it dangerous; empty where nothing is known of it."""
        known = self.danger.get(path)
        if known is not None:
            return known
        module = path
        while module:
            module = module.rpartition(".")[0]
            known = self.danger_modules.get(module)
            if known is not None:
                return known
        return ""


@lru_cache(maxsize=1)
def global_rules() -> GlobalRules:
    """The rules that are shipped. They are read when a file has a name that is not on the allow list."""
    document = _toml("globals.toml")
    danger: dict[str, str] = {}
    modules: dict[str, str] = {}
    for entry in document["danger"]:
        for name in entry["names"].split():
            if name.endswith(".*"):
                modules[name[:-2]] = entry["why"]
            else:
                danger[name] = entry["why"]
    return GlobalRules(
        nested=frozenset(name for entry in document["nested"] for name in entry["names"].split()),
        danger=danger,
        danger_modules=modules,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where modules come from that no package of their name provides."""

    modules: tuple[str, ...]
    what: str
    mend: str


@lru_cache(maxsize=1)
def origins() -> tuple[Origin, ...]:
    """The origins that are known."""
    return tuple(
        Origin(modules=tuple(entry["modules"].split()), what=entry["what"], mend=entry["mend"])
        for entry in _toml("origins.toml")["origin"]
    )


@lru_cache(maxsize=8)
def first_releases(package: str) -> dict[str, str]:
    """Of classes that checkpoints and configurations name: the first release of a package that was seen to have it."""
    import json

    packages: dict[str, dict[str, str]] = json.loads(_text("first_releases.json"))["packages"]
    return packages.get(package, {})


@lru_cache(maxsize=1)
def torch_classes() -> frozenset[str]:
    """Modules and optimizers of torch itself."""
    return frozenset(_names("torch_classes.txt"))


def _toml(file: str) -> dict[str, list[dict[str, str]]]:
    # Imported here, because a clean file needs no rule, and its parser costs a tenth of a scan.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    document: dict[str, list[dict[str, str]]] = tomllib.loads(_text(file))
    return document


def _text(file: str) -> str:
    # importlib.resources would cost seven milliseconds of every scan.
    return Path(__file__).with_name(file).read_text(encoding="utf-8")
