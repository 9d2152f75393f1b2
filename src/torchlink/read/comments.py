"""``# torchlink: ignore[code] reason`` in a project's own source."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from torchlink.model.configuration import Ignore
from torchlink.model.environment import Project
from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.read.bounded import read_head
from torchlink.read.project import code_cells
from torchlink.read.python_source import MAX_SOURCE_BYTES

_MARK = b"torchlink: ignore"
_COMMENT = re.compile(rb"#[ \t]*torchlink: ignore(?:\[([^\]\n]*)\])?[ \t]*([^\n]*)")


def read_ignores(project: Project, codes: Collection[str]) -> Mapping[tuple[str, int], Ignore]:
    """What a project's comments set aside, by file and line.

    A comment speaks for its own line; one that stands alone for the next line that is no comment.

    Args:
        project: Its files.
        codes: The codes that there are: kinds of findings and behaviour rules.

    Raises:
        TorchlinkError: A comment names no code or one that is not known, or gives no reason.
    """
    found: dict[tuple[str, int], Ignore] = {}
    for path in project.sources:
        source = _source(path)
        if _MARK in source:
            found.update({(str(path), line): one for line, one in _ignores(path, source, codes)})
    return found


def _source(path: Path) -> bytes:
    try:
        source = read_head(str(path), MAX_SOURCE_BYTES + 1)
        return code_cells(source)[0] if path.suffix == ".ipynb" else source
    except (UnreadableError, ValueError, RecursionError):
        return b""


def _ignores(path: Path, source: bytes, codes: Collection[str]) -> Iterator[tuple[int, Ignore]]:
    lines = source.split(b"\n")
    for place, line in enumerate(lines):
        match = _COMMENT.search(line)
        if match is None:
            continue
        alone = not line[: match.start()].strip()
        target = _next_code(lines, place + 1) if alone else place
        yield target + 1, _ignore(f"{path}:{place + 1}", match, codes)


def _next_code(lines: list[bytes], place: int) -> int:
    while place < len(lines) - 1 and (not lines[place].strip() or lines[place].lstrip().startswith(b"#")):
        place += 1
    return place


def _ignore(where: str, match: re.Match[bytes], codes: Collection[str]) -> Ignore:
    named = [code.strip() for code in (match[1] or b"").decode("utf-8", "replace").split(",") if code.strip()]
    reason = match[2].decode("utf-8", "replace").strip()
    if not named:
        raise TorchlinkError("the comment ignores nothing", where=where, mend="write torchlink: ignore[code] reason")
    unknown = sorted(set(named) - set(codes))
    if unknown:
        raise TorchlinkError(
            f"there is no code {unknown[0]!r} to ignore", where=where, mend="take it from the finding's id"
        )
    if not reason:
        raise TorchlinkError("the comment gives no reason", where=where, mend="write one behind the bracket")
    return Ignore(codes=frozenset(named), reason=reason)
