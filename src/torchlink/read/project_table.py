"""What the standard tables of a ``pyproject.toml`` require: ``[project]`` (PEP 621) and groups (PEP 735)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

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
    pending, seen = [normalise(one) for one in extras], set[str]()
    while pending:
        extra = pending.pop(0)
        if extra in seen:
            continue
        seen.add(extra)
        for line in _texts(optional.get(extra)):
            inner = _own_extras(line, own)
            pending += inner
            if not inner:
                yield line
    yield from _of_groups({normalise(name): one for name, one in _table(document, "dependency-groups").items()}, groups)


def _of_groups(tables: Mapping[str, object], groups: Iterable[str]) -> Iterator[str]:
    pending, seen = [normalise(one) for one in groups], set[str]()
    while pending:
        group = pending.pop(0)
        if group in seen:
            continue
        seen.add(group)
        entries = tables.get(group)
        for one in entries if isinstance(entries, list) else ():
            if isinstance(one, str):
                yield one
            elif isinstance(one, dict) and isinstance(included := one.get("include-group"), str):
                pending.append(normalise(included))


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
