"""``pyproject.toml``: PEP 621, dependency groups, build requirements, and the tables of poetry, pdm, hatch and uv.

Sources: PEP 621 and 735; the documentation of Poetry 2, PDM 2, Hatch 1 and uv 0.13.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from torchlink.model.names import normalise
from torchlink.model.pins import FileKind, Notation, Pin, Role
from torchlink.read.pins import toml
from torchlink.read.pins.entries import Entry, Path, begins
from torchlink.read.pins.interface import Contents, Format, named
from torchlink.read.pins.requirement import read_ranged, read_requirement
from torchlink.read.pins.requirements_txt import named_address, shortened
from torchlink.read.pins.script import Variables
from torchlink.read.pins.shell_script import COMMAND, read_shell

_LISTS: tuple[tuple[tuple[str, ...], Role, str], ...] = (
    (("project", "dependencies"), Role.REQUIREMENT, ""),
    (("project", "optional-dependencies", "*"), Role.REQUIREMENT, "extra {2}"),
    (("dependency-groups", "*"), Role.REQUIREMENT, "group {1}"),
    (("build-system", "requires"), Role.REQUIREMENT, "build"),
    (("tool", "uv", "dev-dependencies"), Role.REQUIREMENT, "group dev"),
    (("tool", "uv", "constraint-dependencies"), Role.CONSTRAINT, ""),
    (("tool", "uv", "build-constraint-dependencies"), Role.CONSTRAINT, "build"),
    (("tool", "uv", "override-dependencies"), Role.OVERRIDE, ""),
    (("tool", "pdm", "dev-dependencies", "*"), Role.REQUIREMENT, "group {3}"),
    (("tool", "hatch", "envs", "*", "dependencies"), Role.REQUIREMENT, "environment {3}"),
    (("tool", "hatch", "envs", "*", "extra-dependencies"), Role.REQUIREMENT, "environment {3}"),
)
_TABLES: tuple[tuple[tuple[str, ...], Role, str], ...] = (
    (("tool", "poetry", "dependencies"), Role.REQUIREMENT, ""),
    (("tool", "poetry", "dev-dependencies"), Role.REQUIREMENT, "group dev"),
    (("tool", "poetry", "group", "*", "dependencies"), Role.REQUIREMENT, "group {3}"),
    (("tool", "pdm", "resolution", "overrides"), Role.OVERRIDE, ""),
)


def read(contents: Contents) -> None:
    """Read a ``pyproject.toml``."""
    if problem := toml.problem(contents.document.whole.text):
        contents.cannot_read(None, f"it is not valid TOML ({problem}); what could be read was")
    entries = list(toml.strings(contents.document.whole))
    extras = _poetry_extras(entries)
    for entry in entries:
        if COMMAND.match(entry.value.text):  # a script of hatch, pdm, poe
            read_shell(contents, entry.value, Variables(), context=".".join(map(str, entry.path[1:-1])))
        elif not _in_list(contents, entry):
            _index(contents, entry)
    for prefix, role, context in _TABLES:
        found = [entry for entry in entries if begins(entry.path, prefix)]
        read_table(contents, found, len(prefix), role=role, context=context, extras=extras)


def _in_list(contents: Contents, entry: Entry) -> bool:
    for prefix, role, context in _LISTS:
        if len(entry.path) == len(prefix) + 1 and begins(entry.path, prefix) and isinstance(entry.path[-1], int):
            _requirement(contents, entry, role, context.format(*entry.path))
            return True
    return False


def _requirement(contents: Contents, entry: Entry, role: Role, context: str) -> None:
    text = entry.value.text.strip()
    if text.startswith("-e "):  # PDM's development dependencies
        contents.add(named_address(contents.document, entry.value, role, context))
        return
    pin = read_requirement(contents.document, entry.value, role=role, context=context)
    contents.add(pin)
    if pin is None and text:
        contents.cannot_read(entry.value.start, f"{shortened(text)!r} is no requirement")


def read_table(
    contents: Contents,
    entries: Iterable[Entry],
    depth: int,
    *,
    role: Role = Role.REQUIREMENT,
    context: str = "",
    notation: Notation = Notation.POETRY,
    extras: dict[str, str] | None = None,
) -> None:
    """Read a table whose keys are names: ``torch = "^2.3"``, ``torch = {version = "^2.3", ...}``, or a list of those.

    Args:
        contents: Where pins go.
        entries: The strings of the table.
        depth: How many keys lead to the table.
        role: The role of its pins.
        context: A template over the path.
        notation: How its ranges are written.
        extras: What brings in the optional ones, by name.
    """
    settings: dict[Path, dict[str, Entry]] = {}
    for entry in entries:
        rest = entry.path[depth:]
        if not rest or normalise(str(rest[0])) == "python":
            continue
        keys = [key for key in rest[1:] if isinstance(key, str)]
        owner = entry.path[: depth + 1] + tuple(key for key in rest[1:2] if isinstance(key, int))
        settings.setdefault(owner, {}).setdefault(keys[0] if keys else "version", entry)
    for owner, values in settings.items():
        pin = _of_table(contents, str(owner[depth]), values, role, context.format(*owner), notation)
        if pin is not None and extras and pin.name in extras and not context:
            pin = replace(pin, context=extras[pin.name])
        contents.add(pin)


def _of_table(
    contents: Contents, name: str, values: dict[str, Entry], role: Role, context: str, notation: Notation
) -> Pin | None:
    address = next((values[key] for key in ("git", "url", "path") if key in values), None)
    entry = values.get("version", address)
    if entry is None:
        return None
    key = entry.key if entry.key is not None and normalise(entry.key.text) == normalise(name) else None
    return read_ranged(
        contents.document,
        name,
        entry.value if "version" in values else entry.value.part(0, 0),
        at=key,
        notation=notation,
        role=role,
        context=context or (f"python {values['python'].value.text}" if "python" in values else ""),
        marker=values["markers"].value.text if "markers" in values else "",
        url=address.value.text if address is not None and "version" not in values else "",
    )


def _poetry_extras(entries: Iterable[Entry]) -> dict[str, str]:
    """What brings in each optional dependency of poetry: ``extra gpu``."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        if begins(entry.path, ("tool", "poetry", "extras", "*")):
            found.setdefault(normalise(entry.value.text), []).append(str(entry.path[3]))
    return {name: f"extra {', '.join(dict.fromkeys(extras))}" for name, extras in found.items()}


def _index(contents: Contents, entry: Entry) -> None:
    match entry.path:
        case ("tool", "uv", "index-url"):
            contents.index = entry.value.text
        case (
            ("tool", "uv", "extra-index-url", _)
            | ("tool", "uv", "index", _, "url")
            | (
                "tool",
                ("poetry" | "pdm"),
                "source",
                _,
                "url",
            )
        ):
            contents.extra_indexes.append(entry.value.text)
        case ("tool", "uv", "find-links", _):
            contents.find_links.append(entry.value.text)
        case _:
            pass


FORMAT = Format(name="pyproject.toml", kind=FileKind.MANIFEST, matches=named("pyproject.toml"), read=read)
