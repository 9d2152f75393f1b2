"""Parties and evidence made from what is installed."""

from __future__ import annotations

from torchlink.model.environment import Distribution, Environment
from torchlink.model.reference import Evidence, Party, PartyType


def package(distribution: Distribution) -> Party:
    """An installed distribution as one end of a reference."""
    return Party(
        type=PartyType.PACKAGE,
        name=distribution.name,
        version=distribution.public_version,
        build=distribution.build,
        path=distribution.metadata_path,
    )


def absent(name: str) -> Party:
    """A distribution that is not installed."""
    return Party(type=PartyType.PACKAGE, name=name)


def python(environment: Environment) -> Party:
    """The environment's interpreter."""
    interpreter = environment.interpreter
    return Party(type=PartyType.PYTHON, name="python", version=interpreter.version, path=interpreter.executable)


def relative(path: str, environment: Environment) -> str:
    """A path as it is shown: below the environment's site-packages or its prefix, where it lies there."""
    folders = [entry.path for entry in environment.search_path] + [environment.prefix]
    inside = [folder for folder in folders if path.startswith((folder + "/", folder + "\\"))]
    return path[len(max(inside, key=len)) + 1 :] if inside else path


def seen_at(path: str, detail: str, environment: Environment) -> Evidence:
    """Evidence at a path."""
    return Evidence(artifact=relative(path, environment), detail=detail)
