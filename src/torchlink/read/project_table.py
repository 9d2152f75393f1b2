"""What the standard tables of a ``pyproject.toml`` require: ``[project]`` (PEP 621) and groups (PEP 735)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement

from torchlink.model.names import normalise


def project_lines(document: Mapping[str, object], extras: Iterable[str], groups: Iterable[str]) -> Iterator[str]:
    """The requirements as they are written, with those of some extras and groups; what is not there is left out.

    Args:
        document: the whole ``pyproject.toml``.
        extras: of ``[project.optional-dependencies]``; one that names the project itself with extras brings those in.
        groups: of ``[dependency-groups]``, with the groups that they include.
    """
    project = _table(document, "project")
    yield from _texts(project.get("dependencies"))
    optional = {normalise(name): lines for name, lines in _table(project, "optional-dependencies").items()}
    own = normalise(str(project.get("name", "")))
    yield from _with_included(
        extras, lambda extra: ((line, _own_extras(line, own)) for line in _texts(optional.get(extra)))
    )
    tables = {normalise(name): entries for name, entries in _table(document, "dependency-groups").items()}
    yield from _with_included(groups, lambda group: _entries(tables.get(group)))


_Entry = tuple[str, Sequence[str]]
"""A requirement, and the names of the lists that stand in its place; none where it is one."""


def _with_included(names: Iterable[str], entries: Callable[[str], Iterable[_Entry]]) -> Iterator[str]:
    """The requirements of some lists by name, and of those that they include, each list once."""
    pending, seen = [normalise(one) for one in names], set[str]()
    while pending:
        name = pending.pop(0)
        if name in seen:
            continue
        seen.add(name)
        for line, included in entries(name):
            pending += included
            if not included:
                yield line


def _entries(group: object) -> Iterator[_Entry]:
    for one in group if isinstance(group, list) else ():
        if isinstance(one, str):
            yield one, ()
        elif isinstance(one, dict) and isinstance(included := one.get("include-group"), str):
            yield "", (normalise(included),)


def _own_extras(line: str, own: str) -> Sequence[str]:
    """The extras that a project names of itself: ``all = ["mine[gpu]"]``."""
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return ()
    return [normalise(one) for one in requirement.extras] if normalise(requirement.name) == own else ()


def _table(values: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _texts(values: object) -> Iterator[str]:
    return (one for one in values if isinstance(one, str)) if isinstance(values, list) else iter(())
