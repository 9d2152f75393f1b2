"""Who owns a file or a module: which distribution, the project, or Python itself."""

from __future__ import annotations

import re
from functools import cached_property

from torchlink.model.environment import Distribution, Environment
from torchlink.model.reference import Party, PartyType


class Owners:
    """Looks up the distribution behind a path or a module name."""

    def __init__(self, environment: Environment, project_root: str = "") -> None:
        self._environment = environment
        self._project = project_root.rstrip("/")
        self._roots = tuple(sorted({entry.path for entry in environment.search_path}, key=len, reverse=True))
        self._stdlib = environment.interpreter.stdlib
        self._shown: dict[str, str] = {}

    @cached_property
    def _files(self) -> dict[str, Distribution]:
        owners: dict[str, Distribution] = {}
        for distribution in self._environment.distributions:
            for file in distribution.files:
                owners.setdefault(file, distribution)
        return owners

    @cached_property
    def _top_levels(self) -> dict[str, list[Distribution]]:
        owners: dict[str, list[Distribution]] = {}
        for distribution in self._environment.distributions:
            for name in distribution.top_level:
                owners.setdefault(name, []).append(distribution)
        return owners

    @cached_property
    def names(self) -> dict[str, Distribution]:
        """Every distribution by its normalised name; the one that Python finds first."""
        result: dict[str, Distribution] = {}
        for distribution in self._environment.distributions:
            result.setdefault(distribution.name, distribution)
        return result

    def of_module(self, name: str) -> Distribution | None:
        """The distribution that a module's top-level name belongs to, where it is one alone."""
        owners = self._top_levels.get(name.partition(".")[0], [])
        return owners[0] if len(owners) == 1 else None

    def of_path(self, path: str) -> Distribution | None:
        """The distribution that installed a file."""
        owner = self._files.get(path)
        if owner is not None:
            return owner
        relative = self.relative(path)
        if relative == path:
            return None
        owners = self._top_levels.get(relative.partition("/")[0].partition(".")[0], [])
        return owners[0] if len(owners) == 1 else None

    def relative(self, path: str) -> str:
        """A path as it is shown: relative to the project or to the folder on the search path that holds it."""
        shown = self._shown.get(path)
        if shown is None:
            roots = (root for root in (*self._roots, self._project) if root and path.startswith(root + "/"))
            root = next(roots, "")
            shown = self._shown[path] = path[len(root) + 1 :] if root else path
        return shown

    def place(self, path: str, line: int) -> str:
        """``torch/__init__.py:12``."""
        shown = self.relative(path)
        return f"{shown}:{line}" if line else shown

    def in_project(self, path: str) -> bool:
        return bool(self._project) and path.startswith(self._project + "/") and self.of_path(path) is None

    def party(self, path: str, module: str = "") -> Party:
        """The party that a file belongs to."""
        distribution = self.of_path(path) if path else None
        if distribution is None and module:
            distribution = self.of_module(module)
        if distribution is not None:
            return package(distribution, path)
        if self.in_project(path):
            return Party(type=PartyType.PROJECT, name=self._project.rpartition("/")[2], path=self.relative(path))
        if not path or any(path.startswith(folder + "/") for folder in self._stdlib):
            version = self._environment.interpreter.version
            return Party(type=PartyType.PYTHON, name="python", version=version)
        return Party(type=PartyType.FILE, name=self.relative(path), path=self.relative(path))

    def provider(self, module: str) -> Party:
        """The party that ought to provide a module by this full name."""
        distribution = self.of_module(module)
        if distribution is not None:
            return package(distribution)
        return Party(type=PartyType.PACKAGE, name=normalise(module.partition(".")[0]))


def package(distribution: Distribution, path: str = "") -> Party:
    """A distribution as one end of a reference."""
    return Party(
        type=PartyType.PACKAGE,
        name=distribution.name,
        version=distribution.public_version,
        build=distribution.build,
        path=path,
    )


def normalise(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()
