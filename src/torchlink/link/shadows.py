"""A user's own file that hides an installed package or a standard module: ``torch.py``, ``random.py``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from torchlink.link.parties import package, python
from torchlink.model.environment import Distribution, Environment
from torchlink.model.reference import Broken, Evidence, Kind, Links, Party, PartyType, Severity

_BEFORE_ANY_SCRIPT = frozenset(
    {"abc", "codecs", "encodings", "genericpath", "io", "os", "posixpath", "ntpath", "site", "stat", "_collections_abc"}
)
"""Modules that the interpreter has imported before the script's folder comes onto ``sys.path``."""


def link_shadows(
    environment: Environment, project_files: Iterable[Path], reached: Mapping[str, tuple[str, ...]]
) -> Links:
    """Find the files that hide a module for everything that a script started beside them imports.

    ``project_files`` are Python files, and folders with an ``__init__.py``, that lie directly in a folder from which
    scripts are run.
    ``reached`` are the top-level names that the target's *installed* packages or its own other files import, each with
    the chain that reaches the import.

    A single file in the place of an installed package is a break where the name is reached: it cannot be that package.
    In the place of a module of the standard library, or as a folder (which may be a copy kept on purpose), it is a
    risk: whether the names that are taken from it exist is the import linker's to say.
    """
    owners = {name: one for one in reversed(environment.distributions) for name in one.top_level}
    files = [path for path in project_files if path.stem.isidentifier()]
    broken = (_shadow(path, owners.get(path.stem), environment, reached.get(path.stem)) for path in files)
    return Links(broken=tuple(one for one in broken if one is not None), references=len(files))


def _shadow(
    path: Path, owner: Distribution | None, environment: Environment, chain: tuple[str, ...] | None
) -> Broken | None:
    name = path.stem
    if owner is not None and _is_own_source(path, owner):
        return None
    if owner is None and not _is_standard(name, environment):
        return None
    hidden = owner.label if owner is not None else f"the module {name} of the standard library"
    return Broken(
        kind=Kind.IMPORT,
        severity=_severity(path, owner, chain),
        needer=Party(type=PartyType.PROJECT, name="project", path=str(path)),
        provider=package(owner) if owner is not None else python(environment),
        target=name,
        cause=f"{path.name} hides {hidden}: whatever imports {name} gets this {'file' if path.suffix else 'folder'}",
        evidence=(Evidence(artifact=str(path), detail=f"comes before the real {name} on sys.path"),),
        culprits=("project",),
        chain=chain or (),
    )


def _severity(path: Path, owner: Distribution | None, chain: tuple[str, ...] | None) -> Severity:
    if chain is None:
        return Severity.NOTE
    return Severity.BREAK if owner is not None and path.suffix == ".py" else Severity.RISK


def _is_own_source(path: Path, owner: Distribution) -> bool:
    """Whether the distribution is the project itself, installed in place."""
    return owner.editable or str(path) in owner.files or f"{path}/__init__.py" in owner.files


def _is_standard(name: str, environment: Environment) -> bool:
    return (
        name in sys.stdlib_module_names
        and name not in environment.interpreter.builtin_modules
        and name not in _BEFORE_ANY_SCRIPT
    )
