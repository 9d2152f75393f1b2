"""The metadata formats of installed distributions, parsed from bytes: pure functions.

Formats: core metadata (``METADATA``, ``PKG-INFO``), ``WHEEL``, ``RECORD`` (PEP 376/427), setuptools' ``requires.txt``
and ``installed-files.txt``, conda's package records.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SECTION = re.compile(r"\[([^\]:]*)(?::(.*))?\]")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
"""A line of blanks alone continues a folded header (long licences hold such lines); only an empty one ends them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreMetadata:
    """The headers that a linker needs."""

    name: str
    version: str
    requires: tuple[str, ...]
    requires_python: str
    extras: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaRecord:
    """One file of ``conda-meta``."""

    name: str
    version: str
    files: tuple[str, ...]
    """Relative to the prefix."""


def decode(data: bytes) -> str:
    """Decode metadata: UTF-8 as the specification says, latin-1 for what old tools wrote."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def header_bytes(data: bytes) -> bytes:
    """Cut off the description: what follows the first blank line."""
    end = _BLANK_LINE.search(data, len(data) - len(data.lstrip()))
    return data[: end.start()] if end else data


def parse_headers(text: str) -> dict[str, list[str]]:
    """Return the headers before the first blank line by lower-case name, continuation lines joined."""
    headers: dict[str, list[str]] = {}
    values: list[str] = []
    for line in text.split("\n"):
        line = line.rstrip("\r")
        if not line:
            if headers:
                break
            continue
        if line[0] in " \t":
            if values:
                values[-1] = f"{values[-1]} {line.strip()}"
            continue
        name, colon, value = line.partition(":")
        if not colon:
            continue
        values = headers.setdefault(name.strip().lower(), [])
        values.append(value.strip())
    return headers


def parse_core_metadata(data: bytes) -> CoreMetadata:
    """Read ``METADATA`` or ``PKG-INFO``; what is missing is empty."""
    headers = parse_headers(decode(header_bytes(data)))
    return CoreMetadata(
        name=_first(headers, "name"),
        version=_first(headers, "version"),
        requires=tuple(headers.get("requires-dist", ())),
        requires_python=_first(headers, "requires-python"),
        extras=tuple(headers.get("provides-extra", ())),
    )


def _first(headers: dict[str, list[str]], name: str) -> str:
    values = headers.get(name)
    value = values[0] if values else ""
    return "" if value == "UNKNOWN" else value


def parse_record(data: bytes) -> Iterator[str]:
    """Yield the paths of a ``RECORD`` in its order, as they are written there."""
    text = decode(data)
    if '"' not in text:
        for line in text.split("\n"):
            path = line.partition(",")[0].rstrip("\r")
            if path:
                yield path
        return
    import csv

    try:
        for row in csv.reader(io.StringIO(text)):
            if row and row[0]:
                yield row[0]
    except csv.Error:
        return


def parse_requires_txt(data: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read setuptools' ``requires.txt``: the requirements as ``Requires-Dist`` lines, and the extras."""
    requires: list[str] = []
    extras: list[str] = []
    extra = marker = ""
    for raw in decode(data).splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if section := _SECTION.fullmatch(line):
            extra, marker = section[1].strip(), (section[2] or "").strip()
            if extra and extra not in extras:
                extras.append(extra)
            continue
        requires.append(_with_marker(line, extra, marker))
    return tuple(requires), tuple(extras)


def _with_marker(line: str, extra: str, marker: str) -> str:
    requirement, _, own = line.partition(";")
    markers = [f"({part.strip()})" for part in (own, marker) if part.strip()]
    if extra:
        markers.append(f'extra == "{extra}"')
    separator = " ; " if "@" in requirement else "; "
    return f"{requirement.strip()}{separator}{' and '.join(markers)}" if markers else requirement.strip()


def parse_conda_record(data: bytes) -> CondaRecord | None:
    """Read a conda package record; ``None`` where it is no such record."""
    try:
        record: object = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    name, version, files = record.get("name"), record.get("version"), record.get("files")
    if not isinstance(name, str) or not isinstance(version, str):
        return None
    paths = files if isinstance(files, list) else []
    return CondaRecord(name=name, version=version, files=tuple(path for path in paths if isinstance(path, str)))


def parse_direct_url(data: bytes) -> tuple[str, bool]:
    """Read ``direct_url.json`` (PEP 610): the URL, and whether the install is editable."""
    try:
        content: object = json.loads(data)
    except (ValueError, RecursionError):
        return "", False
    if not isinstance(content, dict):
        return "", False
    url, folder = content.get("url"), content.get("dir_info")
    editable = isinstance(folder, dict) and folder.get("editable") is True
    return (url if isinstance(url, str) else ""), editable
