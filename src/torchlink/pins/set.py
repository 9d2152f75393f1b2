"""One version in every place that pins it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from torchlink.model.errors import TorchlinkError
from torchlink.model.names import normalise
from torchlink.model.pins import PinSurvey
from torchlink.model.question import Question
from torchlink.model.store import ByteStore
from torchlink.pins.rewrite import Left, rewriting
from torchlink.pins.write import Change, changes
from torchlink.read.pins.survey import read_pins

if TYPE_CHECKING:
    from torchlink.pins.companions import Companions

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What setting some versions changes."""

    versions: Mapping[str, str]
    """Those asked for, and those of their companions."""
    changes: tuple[Change, ...]
    left: tuple[Left, ...]
    """Pins that still want something else."""
    locks: tuple[Left, ...]
    """Locks that still hold something else."""
    inferred: tuple[str, ...] = ()
    """Companions that are proven for the plain build of the version that was asked for, and not for its tag."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Packages of which it is not known whether they are companions, with the reason."""


def wanted_versions(lines: Sequence[str]) -> dict[str, str]:
    """The versions of ``torch==2.3.1+rocm5.7`` and its like.

    Raises:
        TorchlinkError: One is not a name and one exact version.
    """
    return dict(_wanted(line) for line in lines)


def _wanted(line: str) -> tuple[str, str]:
    try:
        requirement = Requirement(line)
        (clause,) = requirement.specifier
    except (InvalidRequirement, ValueError):
        raise TorchlinkError(f"{line!r} names no single version", mend="write NAME==VERSION") from None
    if clause.operator != "==" or clause.version.endswith("*") or requirement.marker or requirement.extras:
        raise TorchlinkError(f"{line!r} is more than a name and a version", mend="write NAME==VERSION")
    return normalise(requirement.name), clause.version


def set_versions(
    project: Path,
    wanted: Mapping[str, str],
    *,
    family: bool,
    documents: bool,
    variables: Mapping[str, str],
    store: ByteStore,
    offline: bool = False,
    progress: Progress,
) -> Setting:
    """What must change in a project's files so that all of them want some versions. Nothing is written.

    Args:
        project: Its folder, or one file.
        wanted: The versions by PEP 503 names.
        family: Whether companions that are pinned exactly move along (torchvision with torch).
        documents: Whether documents are changed too.
        variables: The environment.
        store: Remembers what was read of releases.
        offline: Whether no index is asked.
        progress: Told how far the work has come.

    Raises:
        TorchlinkError: The project cannot be read, or no companions go with the versions.
    """
    survey = read_pins(project, progress)
    versions, inferred, unknown = dict(wanted), list[str](), dict[str, str]()
    for name, version in wanted.items() if family else ():
        moved = _companions(survey, name, version, variables, store, offline, progress)
        versions = {**moved.versions, **versions}
        unknown |= moved.unknown
        inferred += [other for other in moved.versions if "+" in version]
    found = rewriting(survey, versions, documents=documents)
    return Setting(
        versions=versions,
        changes=tuple(changes(Path(survey.root), found.edits)),
        left=found.left,
        locks=found.locks,
        inferred=tuple(dict.fromkeys(inferred)),
        unknown=unknown,
    )


def _companions(
    survey: PinSurvey,
    name: str,
    version: str,
    variables: Mapping[str, str],
    store: ByteStore,
    offline: bool,
    progress: Progress,
) -> Companions:
    from torchlink.pins.companions import companions
    from torchlink.pins.releases import open_releases
    from torchlink.pins.resolver import means_for_plain

    root = Path(survey.root)
    progress("finding companions", 0, 0)
    with open_releases(root, variables, store, offline=offline, tell=progress) as releases:
        means = means_for_plain(Question(offline=offline), None, variables, store, progress)
        return companions(survey, name, version, releases, means.uv)
