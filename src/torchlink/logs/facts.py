"""The facts of one hit: what the message itself names, and what follows from those names.

A pattern's named groups are facts. Groups of some names give rise to others: ``file`` to ``file_package``, ``symbol``
to ``symbol_owner``, ``module`` to ``module_package``, ``requirement`` to ``requirement_name``, and so on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from torchlink.catalog.torch_exports import shipped_exports
from torchlink.logs.context import Context, Frame, is_ours, needer_of
from torchlink.logs.gpu import gap
from torchlink.logs.packages import (
    PROJECT,
    import_name,
    is_known_distribution,
    is_known_package,
    package_of_module,
    package_of_path,
)
from torchlink.logs.symbols import exported_by, owner_of_symbol, readable, string_abi
from torchlink.model.names import normalise
from torchlink.rules.signatures import KnownName, known_names, torch_extensions

_LOCAL = re.compile(r"\+([\w.]+)")
_NAME_END = re.compile(r"[<>=!~\[ (;@]")
_BUILDING = re.compile(
    r"pip-install-\w{1,40}[/\\]([\w.-]{1,80}?)_[0-9a-f]{16,64}"
    r"|Building wheel for ([\w.-]{1,80})|Collecting ([\w.-]{1,80})|building '([\w.-]{1,80})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a log the hit stands."""

    frames: tuple[Frame, ...]
    """The traceback's frames, outermost first."""
    nearby: str
    """Some lines around it."""
    context: Context


def facts_of(groups: Mapping[str, str], place: Place, provider: str = "") -> dict[str, str]:
    """Everything that a hit's message, its traceback and the rest of the log tell. A fact that is known is not empty.

    Args:
        groups: the named groups of the pattern that matched.
        place: where it matched.
        provider: who is asked, as the signature has it; frames of that package ask for nothing.
    """
    facts = {name: text.strip() for name, text in groups.items() if text and text.strip()}
    facts.update(python=place.context.python, platform=place.context.platform)
    facts["trace"] = " ".join(f"{frame.path}:{frame.function}" for frame in place.frames).replace("\\", "/")
    for package, version in place.context.versions.items():
        facts.setdefault(f"{package.replace('-', '_')}_version", version)
    if provider and "{" not in provider:
        facts["provider"] = provider
    for derive in _DERIVATIONS:
        facts.update((name, text) for name, text in derive(facts, place).items() if text and name not in facts)
    return {name: text for name, text in facts.items() if text}


def version_of(facts: Mapping[str, str], package: str) -> str:
    """The version of a package as far as it is known."""
    return facts.get(f"{package.replace('-', '_')}_version", "")


def _file(facts: Mapping[str, str], _place: Place) -> dict[str, str]:
    path = facts.get("file", "")
    name = re.split(r"[\\/]", path)[-1]
    package = facts.get("package", "")
    wheel = facts.get("wheel", "")
    named = package_of_module(package) if is_known_package(package) else normalise(package)
    return {
        "file_package": package_of_path(path),
        "file_name": name,
        "file_module": name.partition(".")[0],
        "library_package": package_of_path(facts.get("library", "")),
        "package_name": named,
        "wheel_name": normalise(wheel.partition("-")[0]) or named,
        "other_name": normalise(facts.get("other", "")),
        "module_word": package.lower(),
    }


def _symbol(facts: Mapping[str, str], _place: Place) -> dict[str, str]:
    symbol = facts.get("symbol", "")
    owner = owner_of_symbol(symbol)
    exported = exported_by(symbol, version_of(facts, "torch"), shipped_exports()) if owner == "torch" else ""
    return {
        "symbol_name": readable(symbol),
        "symbol_owner": owner,
        "symbol_exported": exported and f". It is {exported}",
        "symbol_abi": string_abi(symbol),
    }


def _module(facts: Mapping[str, str], _place: Place) -> dict[str, str]:
    module = facts.get("module", "")
    if not module:
        return {}
    package = package_of_module(module)
    version = version_of(facts, package)
    return {
        "module_top": module.partition(".")[0],
        "module_package": package,
        "module_known": "yes" if is_known_package(module) else "",
        "version": version,
        **_history(_known(module, facts.get("name", "")), version),
    }


def _known(module: str, name: str) -> KnownName | None:
    """What is known of a name, or of a module or one that it lies in."""
    names = known_names()
    if name:
        top = module.partition(".")[0]
        return names.get((module, name)) or names.get((top, name)) or names.get((f"{module}.{name}", ""))
    while module:
        if (module, "") in names:
            return names[(module, "")]
        module = module.rpartition(".")[0]
    return None


def _history(known: KnownName | None, version: str) -> dict[str, str]:
    """When a name came and went. Of a name that did both, the version decides which; unknown, that it went."""
    if known is None:
        return {}
    too_old = bool(known.added) and _below(version, known.added)
    return {
        "name_added": known.added if too_old or not known.removed else "",
        "name_removed": "" if too_old else known.removed,
        "name_instead": known.instead or "what the release notes name",
        "name_needers": ", ".join(known.needers) or "the code in the traceback",
        "name_needer": _NAME_END.split(known.needers[0])[0] if known.needers else "",
        "provider_ancient": "yes" if too_old and known.removed else "",
    }


def _below(version: str, other: str) -> bool:
    try:
        return Version(version) < Version(other)
    except InvalidVersion:
        return False


def _requirement(facts: Mapping[str, str], _place: Place) -> dict[str, str]:
    text = facts.get("requirement", "")
    dotted = facts.get("global", "")
    name = normalise(_NAME_END.split(text)[0])
    return {
        "requirement_name": name,
        "requirement_known": "yes" if is_known_distribution(name) else "",
        "requirement_version": "".join(re.findall(r"={2,3}\s*([\w.+!]+)", text)[:1]),
        "requirement_local": "".join(_LOCAL.findall(text)[:1]),
        "global_package": package_of_module(dotted) if "." in dotted else "",
    }


def _machine(facts: Mapping[str, str], _place: Place) -> dict[str, str]:
    capability = facts.get("capability") or facts.get("dotted", "").replace(".", "")
    found = facts.get("found", "")
    number = facts.get("number", "")
    return {
        "capability": capability,
        "gpu_gap": "older" if facts.get("old") else gap(capability, facts.get("supported") or _range(facts)),
        "driver_cuda": f"CUDA {int(found) // 1000}.{int(found) % 1000 // 10}" if found.isdigit() else "",
        "error_804": "yes" if number == "804" or facts.get("forward") else "",
        "error_803": "yes" if number == "803" or facts.get("mismatch") else "",
        "built_larger": "yes" if _number(facts.get("built", "")) > _number(facts.get("here", "")) else "",
        "built_public": facts.get("built", "").partition("+")[0],
        "op_needer": facts.get("package_name", "") if is_known_package(facts.get("package", "")) else "",
        "op_package": facts.get("package_name") or "torch",
        "call": f"{facts.get('function', '')} {facts.get('keyword', '')}",
    }


def _range(facts: Mapping[str, str]) -> str:
    """The lowest and highest capability that a message names, as in a wheel's list."""
    named = (facts.get(name, "") for name in ("lowest", "highest", "first"))
    return " ".join(f"sm_{dotted.replace('.', '')}" for dotted in named if dotted)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def _parties(facts: Mapping[str, str], place: Place) -> dict[str, str]:
    provider = (
        facts.get("provider")
        or facts.get("symbol_owner")
        or facts.get("module_package")
        or facts.get("library_package")
        or ""
    )
    own = facts.get("file_package", "")
    asked = needer_of(place.frames, provider)
    inside = own if is_ours(own) else asked if is_ours(asked) else ""
    needer = inside or asked or facts.get("name_needer", "")
    extension = inside if inside != "torch" else ""
    module = facts.get("module", "")
    dotted = facts.get("global", "")
    known_global = facts.get("global_package", "") if is_known_package(dotted) else ""
    return {
        "provider": provider,
        "needer": needer,
        "needer_guessed": "" if inside or asked else needer,
        "extension": extension,
        "in_project": "yes" if asked == PROJECT else "",
        "import_name": import_name(extension or (needer if is_ours(needer) else "torch")),
        "native_of_torch": "yes" if needer in torch_extensions() else "",
        "library_needer": extension or "torchvision",
        "dll_needer": facts.get("package_name") or (package_of_module(module) if is_known_package(module) else needer),
        "global_culprit": known_global or needer,
        "build_package": _built(place.nearby) or extension,
        "class_package": "transformers",
        "gate_needer": normalise(facts.get("needing", "")) or (inside if inside != provider else "") or "transformers",
        "found_here": facts.get("found") or "another release, or none,",
        "torch_number": version_of(facts, "torch") or "the installed one",
        "torch_here": f"torch {here}" if (here := version_of(facts, "torch")) else "the installed torch",
    }


def _built(nearby: str) -> str:
    """The package that an installer was building there."""
    names = [next(name for name in match.groups() if name) for match in _BUILDING.finditer(nearby)]
    return normalise(names[-1]) if names else ""


_DERIVATIONS: tuple[Callable[[Mapping[str, str], Place], dict[str, str]], ...] = (
    _file,
    _symbol,
    _module,
    _requirement,
    _machine,
    _parties,
)


def derived_facts() -> frozenset[str]:
    """The names of all facts that can follow from a message, whatever its groups."""
    place = Place(frames=(), nearby="", context=Context(versions={}, python="", platform=""))
    groups = {"module": "huggingface_hub", "name": "cached_download"}
    names = {name for derive in _DERIVATIONS for name in derive(groups, place)}
    return frozenset(names | {"python", "platform", "trace", "who"})


# Texts


_BRACED = re.compile(r"\{(\w+)\}")
_SPACES = re.compile(r" {2,}")
_SPACE_BEFORE = re.compile(r" (?=[,.;:)](?:\s|$))")
_EMPTY = re.compile(r" ?\(\)")


_UNKNOWN = {
    "needer": "the package that needs it",
    "extension": "the extension",
    "dll_needer": "the extension",
    "file_package": "the package",
    "build_package": "the package",
    "global_culprit": "the code that loads it",
    "gate_needer": "the package",
    "library_needer": "the package",
    "file_name": "the library",
    "gpu": "this GPU",
}
"""How prose speaks of a party that is not known."""
_PROSE = {PROJECT: "your code", "checkpoint": "the file"}


def filled(text: str, facts: Mapping[str, str]) -> str:
    """A name with the facts that it is made of; what is not known is left out."""
    return _BRACED.sub(lambda match: facts.get(match[1], ""), text).strip()


def told(text: str, facts: Mapping[str, str]) -> str:
    """Prose with the facts that it names in braces."""
    if "{" not in text:
        return text
    known = {**_UNKNOWN, **{name: _PROSE.get(fact, fact) for name, fact in facts.items()}, "who": _who(facts)}
    shown = _BRACED.sub(lambda match: known.get(match[1], ""), text)
    shown = _SPACE_BEFORE.sub("", _SPACES.sub(" ", _EMPTY.sub("", shown))).strip()
    return shown.replace('import torch, torch"', 'import torch"')


def named(text: str) -> frozenset[str]:
    """The facts that a text names."""
    return frozenset(_BRACED.findall(text))


def _who(facts: Mapping[str, str]) -> str:
    """The needer in a sentence."""
    needer = facts.get("needer", "")
    if needer == PROJECT:
        return "your code"
    if not is_ours(needer):
        return "the code that needs it"
    if facts.get("needer_guessed"):
        return f"a package such as {needer}"
    return f"{needer} {version_of(facts, needer)}".strip()
