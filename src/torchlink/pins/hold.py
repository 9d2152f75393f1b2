"""Keeping a package as it is: a constraint that pip, uv and conda obey in every later install.

pip reads ``pip.conf`` of the environment itself, uv (``uv pip`` too) ``constraint-dependencies`` of the project, and
conda ``conda-meta/pinned`` of the environment. Tried with pip 26 and uv 0.13.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.names import normalise
from torchlink.model.store import ByteStore
from torchlink.pins.write import Change
from torchlink.read.bounded import read_bounded
from torchlink.read.environment import environment_of, find, survey

_HELD = "torchlink-held.txt"
_LARGEST = 4 * 2**20
_NAME = re.compile(r"\s*([A-Za-z0-9][\w.-]*)")
_CONDA_NAMES = {"torch": "pytorch"}
"""What conda-forge and the pytorch channel call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What holding a version changes."""

    name: str
    version: str
    changes: tuple[Change, ...]
    prefix: Path


def hold(wanted: str, project: Path, python: Path | None, variables: Mapping[str, str], store: ByteStore) -> Hold:
    """Find out what must be written to keep a package at a version. Nothing is written.

    Args:
        wanted: ``torch``, held as it is installed, or ``torch==2.3.1+cu121``.
        project: The project's folder.
        python: The environment; by default the project's, or the active one.
        variables: The environment variables.
        store: Remembers what was read.

    Raises:
        TorchlinkError: There is no environment, the package is not in it, or a file cannot be read.
    """
    name, _, version = wanted.partition("==")
    name = normalise(name)
    environment = environment_of(survey(find(project, python, variables), variables, store))
    if not version:
        installed = environment.distribution(name)
        if installed is None:
            mend = f"name a version: torchlink pins hold {name}==VERSION"
            raise TorchlinkError(f"{name} is not installed", where=environment.prefix, mend=mend)
        version = installed.version
    prefix = Path(environment.prefix)
    folder = project if project.is_dir() else project.parent
    changes = [*_for_pip(prefix, name, version), _for_uv(folder, name, version)]
    if (prefix / "conda-meta").is_dir():
        conda = _CONDA_NAMES.get(name, name)
        line = f"{conda} =={version.partition('+')[0]}"
        changes.append(_with_line(prefix / "conda-meta" / "pinned", conda, line))
    return Hold(
        name=name, version=version, prefix=prefix, changes=tuple(one for one in changes if one.before != one.after)
    )


def _for_pip(prefix: Path, name: str, version: str) -> list[Change]:
    held = prefix / _HELD
    settings = prefix / ("pip.ini" if os.name == "nt" else "pip.conf")
    text = _text(settings) or ""
    return [_with_line(held, name, f"{name}=={version}"), _change(settings, _with_constraint(text, str(held)))]


def _with_constraint(text: str, path: str) -> str:
    """pip's settings with one more constraint file below ``[install]``; all else stays as it is."""
    if path in text:
        return text
    lines = text.splitlines(keepends=True)
    section = ""
    for place, line in enumerate(lines):
        if header := re.match(r"\[(.+)\]", line):
            section = header[1].strip()
        elif section == "install" and re.match(r"constraint\s*[=:]", line):
            return "".join([*lines[: place + 1], f"    {path}\n", *lines[place + 1 :]])
    for place, line in enumerate(lines):
        if line.strip() == "[install]":
            return "".join([*lines[: place + 1], f"constraint = {path}\n", *lines[place + 1 :]])
    gap = "\n" if text and not text.endswith("\n") else ""
    return f"{text}{gap}[install]\nconstraint = {path}\n"


def _for_uv(folder: Path, name: str, version: str) -> Change:
    """uv reads ``uv.toml`` where there is one, and the project's ``pyproject.toml`` only where there is none."""
    own = folder / "uv.toml"
    path = folder / "pyproject.toml" if not own.exists() and (folder / "pyproject.toml").exists() else own
    try:
        document = tomlkit.parse(_text(path) or "")
        table = document
        if path.name == "pyproject.toml":
            for key in ("tool", "uv"):
                if key not in table:
                    table[key] = tomlkit.table(is_super_table=key == "tool")
                table = table[key]
        kept = [str(line) for line in table.get("constraint-dependencies", [])]
        others = [line for line in kept if _name(line) != name]
        wanted = [*others, f"{name}=={version}"]
        if wanted != kept:
            table["constraint-dependencies"] = wanted
    except (TOMLKitError, TypeError, ValueError) as error:
        mend = "mend the file"
        raise TorchlinkError(f"it cannot be changed: {error}", where=str(path), mend=mend) from None
    return _change(path, tomlkit.dumps(document))


def _with_line(path: Path, name: str, line: str) -> Change:
    """A file of one requirement a line, with this package's line in it."""
    kept = (_text(path) or "").splitlines()
    return _change(path, "".join(f"{one}\n" for one in (*(one for one in kept if _name(one) != name), line)))


def _name(line: str) -> str:
    match = _NAME.match(line)
    return normalise(match[1]) if match else ""


def _text(path: Path) -> str | None:
    """The text of a file; ``None`` where there is none."""
    if not path.exists():
        return None
    try:
        return read_bounded(path, _LARGEST).decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableError("it is not UTF-8", where=str(path)) from None


def _change(path: Path, text: str) -> Change:
    before = read_bounded(path, _LARGEST) if path.exists() else None
    return Change(file=str(path), path=path, before=before, after=text.encode(), encoding="utf-8")
