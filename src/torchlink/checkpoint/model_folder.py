"""A model's folder (transformers, diffusers, PEFT, sentence-transformers): the classes that its configuration names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.installed import Found, Installed
from torchlink.checkpoint.rules import first_releases
from torchlink.checkpoint.verify import verify_index
from torchlink.model.environment import Environment
from torchlink.model.errors import UnreadableError

_CONFIGS = (
    "config.json",
    "model_index.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "scheduler_config.json",
    "adapter_config.json",
    "modules.json",
)
_MOST_JSON = 16 << 20
_NAME = re.compile(r"[A-Za-z_]\w*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A class that a configuration names."""

    package: str
    name: str
    file: str
    module: str = ""
    """Its module, where the configuration says so; else it is looked for in the whole package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A class that is not there."""

    need: Need
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """What a model's folder needs, and what of it is missing."""

    path: str
    kind: str
    needs: tuple[Need, ...]
    missing: tuple[Missing, ...]
    remote_code: tuple[str, ...]
    """Files or repositories with code that ``trust_remote_code=True`` would run."""
    writers: dict[str, str]
    """Packages and their versions that wrote the configuration."""
    problems: tuple[str, ...]
    """Shards that are missing or contradict the index."""


def is_model_folder(folder: Path) -> bool:
    """Whether a folder has a configuration that names classes."""
    return any((folder / name).is_file() for name in _CONFIGS)


def read_model_folder(folder: Path, environment: Environment | None, installed: Installed | None = None) -> ModelFolder:
    """Read a model's folder, and resolve what it needs where an environment is given.

    Raises ``UnreadableError`` where a configuration is no JSON.
    """
    needs: list[Need] = []
    remote: list[str] = []
    writers: dict[str, str] = {}
    kinds: list[str] = []
    for path in _configurations(folder):
        document = _json(path)
        where = str(path.relative_to(folder))
        needs.extend(_needs(document, where))
        remote.extend(_remote_code(document))
        writers.update(_writers(document))
        kinds.extend(_kind(document, where))
    problems = [problem for index in sorted(folder.glob("*.index.json")) for problem in verify_index(index).problems]
    distinct = tuple(dict.fromkeys(needs))
    missing: tuple[Missing, ...] = ()
    if environment is not None:
        missing = tuple(_resolve(distinct, environment, installed or Installed(environment), writers))
    return ModelFolder(
        path=str(folder),
        kind=kinds[0] if kinds else "model folder",
        needs=distinct,
        missing=missing,
        remote_code=tuple(dict.fromkeys(remote)),
        writers=writers,
        problems=tuple(problems),
    )


def _configurations(folder: Path) -> Iterator[Path]:
    """Those of the folder, and of the parts of a diffusers pipeline below it."""
    for name in _CONFIGS:
        if (folder / name).is_file():
            yield folder / name
    if (folder / "model_index.json").is_file():
        for part in sorted(child for child in folder.iterdir() if child.is_dir() and not child.is_symlink()):
            yield from (part / name for name in _CONFIGS if (part / name).is_file())


def _json(path: Path) -> object:
    try:
        if path.stat().st_size > _MOST_JSON:
            raise UnreadableError("too large for a configuration", where=str(path))
        document: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableError("its configuration is no JSON", where=str(path)) from error
    return document


def _needs(document: object, where: str) -> Iterator[Need]:
    if isinstance(document, list):
        yield from _sentence_transformers(document, where)
    if not isinstance(document, dict):
        return
    own = _class_map(document)
    name = document.get("_class_name")
    if isinstance(name, str):
        yield from _named("diffusers", name, where)
    for part, value in document.items():
        if where.endswith("model_index.json") and isinstance(value, list) and len(value) == 2 and part[:1] != "_":
            library, cls = value
            if isinstance(library, str) and isinstance(cls, str) and library in ("diffusers", "transformers"):
                yield from _named(library, cls, where)
    for name in document.get("architectures") or () if isinstance(document.get("architectures"), list) else ():
        if isinstance(name, str) and name not in own:
            yield from _named("transformers", name, where)
    for key in ("tokenizer_class", "image_processor_type", "feature_extractor_type", "processor_class"):
        name = document.get(key)
        if isinstance(name, str) and name not in own:
            yield from _named("transformers", name, where)
    if isinstance(document.get("peft_type"), str):
        yield Need(package="peft", name="PeftModel", file=where)


def _named(package: str, name: str, where: str) -> Iterator[Need]:
    if _NAME.match(name):
        yield Need(package=package, name=name, file=where)


def _sentence_transformers(entries: list[object], where: str) -> Iterator[Need]:
    for entry in entries:
        kind = entry.get("type") if isinstance(entry, dict) else None
        if isinstance(kind, str) and all(_NAME.match(part) for part in kind.split(".")):
            module, _, name = kind.rpartition(".")
            yield Need(package=module.partition(".")[0].replace("_", "-"), name=name, file=where, module=module)


def _class_map(document: dict[str, object]) -> set[str]:
    """Classes that come with the model as code of its own."""
    return {reference.rpartition(".")[2] for reference in _references(document)}


def _references(document: dict[str, object]) -> Iterator[str]:
    auto_map = document.get("auto_map")
    for value in auto_map.values() if isinstance(auto_map, dict) else ():
        for reference in value if isinstance(value, list) else [value]:
            if isinstance(reference, str):
                yield reference


def _remote_code(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        for reference in _references(document):
            repository, dashes, name = reference.rpartition("--")
            module = name.rpartition(".")[0]
            yield f"{repository}: {module}.py" if dashes else f"{module}.py"


def _writers(document: object) -> dict[str, str]:
    found: dict[str, str] = {}
    if isinstance(document, dict):
        for key, package in (("transformers_version", "transformers"), ("_diffusers_version", "diffusers")):
            if isinstance(document.get(key), str):
                found[package] = str(document[key])
    return found


def _kind(document: object, where: str) -> Iterator[str]:
    if where == "modules.json":
        yield "sentence-transformers model"
    if isinstance(document, dict):
        if "peft_type" in document:
            yield f"PEFT adapter ({document['peft_type']})"
        elif isinstance(document.get("_class_name"), str) and where == "model_index.json":
            yield f"diffusers pipeline ({document['_class_name']})"
        elif isinstance(document.get("model_type"), str):
            yield f"transformers model ({document['model_type']})"


def _resolve(
    needs: tuple[Need, ...], environment: Environment, installed: Installed, writers: dict[str, str]
) -> Iterator[Missing]:
    for need in needs:
        distribution = environment.distribution(need.package)
        if distribution is None:
            yield Missing(need=need, why=f"{need.package} is not installed")
            continue
        if need.module and installed.resolve(need.module, need.name).found in (Found.NO_MODULE, Found.NO_NAME):
            yield Missing(need=need, why=f"{distribution.label} has no {need.module}.{need.name}")
        elif not need.module and not _defines(installed.module(need.package.replace("-", "_")), need.name):
            first = first_releases(need.package).get(need.name, "")
            since = (
                f"{need.name} exists from {need.package} {first} on; you have" if first else f"{need.name} is not in"
            )
            wrote = writers.get(need.package, "")
            hint = f" (the model was saved by {need.package} {wrote})" if wrote and not first else ""
            yield Missing(need=need, why=f"{since} {distribution.public_version}{hint}")


def _defines(package: Path | None, name: str) -> bool:
    """Whether some module of a package defines a class, or binds the name at its top level."""
    if package is None:
        return False
    pattern = re.compile(rb"^(?:class %s\b|%s\s*=|from .* import .*\b%s\b)" % ((name.encode(),) * 3), re.MULTILINE)
    needle = name.encode()
    for path in sorted(package.parent.rglob("*.py")):
        try:
            source = path.read_bytes()
        except OSError:
            continue
        if needle in source and pattern.search(source):
            return True
    return False
