"""What released packages require, as their own METADATA says: asked of the user's index, remembered, or unknown."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from torchlink.catalog.core_metadata import core_metadata
from torchlink.catalog.wheels import Wheels
from torchlink.link.pin_families import Required
from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.store import ByteStore
from torchlink.read.http import UnreachableError
from torchlink.read.metadata import parse_core_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_THREADS = 8


@dataclass(slots=True)
class Releases:
    """Answers what a release requires."""

    wheels: Wheels
    plain: Wheels | None = None
    """By the user's indexes alone, where the project has others of its own."""
    _known: dict[tuple[str, str], Required] = field(default_factory=dict)

    def ask_ahead(self, releases: Iterable[tuple[str, str]]) -> None:
        """Look up several releases at a time."""
        wanted = [one for one in dict.fromkeys(releases) if one not in self._known]
        with ThreadPoolExecutor(_THREADS) as pool:
            for one, answer in zip(wanted, pool.map(lambda each: self._ask(*each), wanted), strict=True):
                self._known[one] = answer

    def requires(self, name: str, version: str) -> Required:
        """The ``Requires-Dist`` lines of a release. A build that no index has answers by its plain sibling."""
        if (name, version) not in self._known:
            self._known[name, version] = self._ask(name, version)
        return self._known[name, version]

    def _ask(self, name: str, version: str) -> Required:
        try:
            return self._asked(self.wheels, name, version)
        except UnreachableError as error:
            if self.plain is None:
                return Required(problem=error.what)
        # An index of the project's own does not answer: the plain release, from the user's, is its sibling.
        try:
            answer = self._asked(self.plain, name, version)
        except UnreachableError as error:
            return Required(problem=error.what)
        return answer if answer.problem else replace(answer, inferred_from=version.partition("+")[0])

    def _asked(self, wheels: Wheels, name: str, version: str) -> Required:
        try:
            files = [file for file in wheels.release(name, version.partition("+")[0]) if file.is_wheel]
            own = [file for file in files if file.version == version]
            chosen = next(iter(own or files), None)
            if chosen is None:
                return Required(problem=f"no index that was asked has a wheel of {name} {version}")
            lines = parse_core_metadata(core_metadata(chosen, wheels)).requires
        except UnreachableError:
            raise
        except TorchlinkError as error:
            return Required(problem=error.what)
        return Required(lines=lines, inferred_from="" if own else chosen.version)


@contextmanager
def open_releases(
    project: Path,
    variables: Mapping[str, str],
    store: ByteStore,
    *,
    offline: bool,
    tell: Callable[[str, int, int], None],
) -> Iterator[Releases]:
    """What releases require, by the indexes that the user's tools are set to in this project."""
    from torchlink.read.index_settings import index_settings

    users = index_settings(None, variables)
    try:
        own = index_settings(project, variables)
    except UnreadableError:  # what the file pins is read as far as it goes, and that it is broken is told there
        own = users
    wheels, plain = (Wheels(settings, store, (), tell, offline=offline) for settings in (own, users))
    yield Releases(wheels, plain if users != own else None)
