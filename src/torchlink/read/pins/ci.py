"""CI files (GitHub, GitLab, CircleCI, Azure, Travis): the commands of their steps, their variables and matrices.

A string is a command where its key says so; the keys are those of the five systems' own references.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from torchlink.model.errors import UnreadableError
from torchlink.model.pins import FileKind, Pin, Role
from torchlink.read.pins import yaml
from torchlink.read.pins.entries import Entry
from torchlink.read.pins.interface import Contents, Format
from torchlink.read.pins.requirement import read_requirement
from torchlink.read.pins.requirements_txt import several
from torchlink.read.pins.script import Variables
from torchlink.read.pins.shell_script import read_shell, version_variable
from torchlink.read.pins.text import Piece

_COMMANDS = frozenset(
    [
        "run",
        "script",
        "before_script",
        "after_script",
        "command",
        "bash",
        "install",
        "before_install",
        "inlineScript",
        "pwsh",
        "powershell",
    ]
)
_VARIABLES = frozenset({"env", "variables", "environment", "args"})
_LISTS = frozenset({"additional_dependencies", "python_packages", "python_requirements"})
_CI_FILES = frozenset({".gitlab-ci.yml", ".travis.yml", "azure-pipelines.yml", "appveyor.yml", ".appveyor.yml"})
_CI_FOLDERS = frozenset({".github", ".circleci", ".gitlab", ".azure-pipelines", ".buildkite", ".ci"})
_OTHERS = frozenset({".pre-commit-config.yaml", "cog.yaml", "docker-compose.yml", "docker-compose.yaml", "action.yml"})


def read(contents: Contents) -> None:
    """Read a CI file."""
    try:
        entries = yaml.strings(contents.document.whole, where=contents.document.file)
    except UnreadableError as error:
        contents.cannot_read(None, error.what)
        return
    variables = _variables(entries)
    scoped: dict[str, Variables] = {}
    for entry in entries:
        keys = [key for key in entry.path if isinstance(key, str)]
        if keys and keys[-1] in _COMMANDS:
            job = _job(entry)
            read_shell(contents, entry.value, scoped.setdefault(job, Variables(variables)), context=job)
        elif keys and keys[-1] in _LISTS:
            _listed(contents, entry.value, keys[-1])
    _unused(contents, entries)


def _listed(contents: Contents, value: Piece, context: str) -> None:
    pin = read_requirement(contents.document, value, context=context)
    contents.pins.extend([pin] if pin else several(contents.document, value, context=context))


def _variables(entries: Iterable[Entry]) -> Variables:
    """What ``env:`` and ``variables:`` set; a name that is set twice to different values is not known."""
    found: dict[str, tuple[Piece, ...]] = {}
    twice: set[str] = set()
    for entry in entries:
        if len(entry.path) > 1 and entry.path[-2] in _VARIABLES and isinstance(entry.path[-1], str):
            name = entry.path[-1]
            if name in found and found[name][0].text != entry.value.text:
                twice.add(name)
            found.setdefault(name, (entry.value,))
    return Variables({name: value for name, value in found.items() if name not in twice})


def _job(entry: Entry) -> str:
    path = entry.path
    name = path[1] if path[0] in ("jobs", "services") and len(path) > 1 else path[0]
    return f"job {name}" if isinstance(name, str) and name not in _COMMANDS else ""


def _unused(contents: Contents, entries: Iterable[Entry]) -> None:
    """Variables and rows of a matrix that are named for a package's version."""
    used = contents.rewritable_at()
    for entry in entries:
        keys = [key for key in entry.path if isinstance(key, str)]
        if len(keys) < 2 or entry.value.start in used:
            continue
        if keys[-2] in _VARIABLES:
            contents.add(version_variable(contents.document, keys[-1], entry.value))
        elif "matrix" in keys:
            contents.add(_matrix(contents, keys[-1], entry.value))


def _matrix(contents: Contents, name: str, value: Piece) -> Pin | None:
    bare = value.part(1, len(value.text) - 1) if value.text[:1] in ("'", '"') else value
    pin = read_requirement(contents.document, bare, role=Role.VARIABLE, context="matrix")
    if pin is not None and pin.clauses:
        return pin
    plain = re.sub(r"[_-]?(?:version|ver)s?$", "", name, flags=re.IGNORECASE)
    pin = version_variable(contents.document, f"{plain}_version", value)
    return replace(pin, context="matrix") if pin else None


def _matches(path: PurePosixPath) -> bool:
    if path.suffix not in (".yml", ".yaml"):
        return False
    if path.name in _CI_FILES or path.name in _OTHERS or path.name.startswith("azure-pipelines"):
        return True
    return path.parts[0] in _CI_FOLDERS


FORMAT = Format(name="CI", kind=FileKind.CI, matches=_matches, read=read)
