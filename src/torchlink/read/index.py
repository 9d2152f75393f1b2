"""The files that a package index offers: the simple repository API, as JSON (PEP 691) and HTML (PEP 503), on a server
or in a folder, and plain folders or pages of links (``--find-links``)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from torchlink.model.errors import UnreadableError
from torchlink.model.names import normalise
from torchlink.read.bounded import read_bounded
from torchlink.read.http import read_url, shown

MAX_PAGE = 128 * 2**20
MAX_FILES = 200_000
_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
NO_METADATA = "none"
"""In place of a hash: the index says that it offers no METADATA beside a file."""
_METADATA_KEYS = ("core-metadata", "data-dist-info-metadata", "dist-info-metadata")
"""PEP 714's name; what indexes called it before by mistake; PEP 658's name."""
_SHA256 = re.compile(r"sha256=([0-9a-f]{64})")


class NoPageError(UnreadableError):
    """What answers is no package index: a log-in page, a proxy's word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFile:
    """One file on an index."""

    filename: str
    url: str
    """``https:``, or ``file:`` for one that lies here."""
    version: str
    """PEP 440-normalised, with its local part."""
    tags: tuple[str, ...] = ()
    """``cp311-cp311-manylinux_2_17_x86_64``, one each; empty for a source distribution."""
    sha256: str = ""
    size: int = 0
    """In bytes; 0 where the index does not say."""
    yanked: str = ""
    """Why its publisher has withdrawn it; ``withdrawn`` where there is no reason."""
    requires_python: str = ""
    uploaded: str = ""
    """RFC 3339."""
    metadata: str = ""
    """The SHA-256 of the METADATA beside it (PEP 658, 714); empty where the index says nothing of one, or no hash."""

    @property
    def is_wheel(self) -> bool:
        return self.filename.endswith(".whl")


def files_on_index(index: str, name: str) -> tuple[IndexFile, ...]:
    """The files of a project on an index; empty where the index does not know it.

    Raises:
        NoPageError: the page is not what an index has.
        UnreadableError: the index refuses to give it.
        UnreachableError: the index does not answer.
    """
    base = f"{index.rstrip('/')}/{normalise(name)}/"
    folder = local_path(index)
    if folder is not None:
        page = Path(folder, normalise(name))
        return _of_folder(page, name, base) if page.is_dir() else ()
    try:
        data, headers = read_url(base, MAX_PAGE, {"Accept": _ACCEPT})
    except UnreadableError as error:
        if "is not there" in error.what:
            return ()
        raise
    if headers.get_content_type().endswith("json"):
        return tuple(_of_project(json_rows(data, base), name))
    found = tuple(_of_project(html_rows(data, base), name))
    if not found and not _speaks_of(name, data):
        raise NoPageError(
            "is no page of a package index: it has no files", where=shown(base), mend="see what a browser shows there"
        )
    return found


def _speaks_of(name: str, page: bytes) -> bool:
    """Whether a page names a project at all: that of one without files does, and a log-in page does not."""
    words = map(re.escape, normalise(name).split("-"))
    return re.search(r"[-_.]+".join(words).encode(), page, re.IGNORECASE) is not None


def files_on_links(place: str, name: str) -> tuple[IndexFile, ...]:
    """The files of a project in a folder, or on a page of links.

    Raises:
        UnreadableError: the page cannot be read.
        UnreachableError: its server does not answer.
    """
    folder = local_path(place)
    if folder is not None:
        return tuple(_of_project(_folder_rows(Path(folder)), name))
    data, _ = read_url(place, MAX_PAGE, {"Accept": "text/html"})
    return tuple(_of_project(html_rows(data, place), name))


def local_path(url: str) -> str | None:
    """The path behind a ``file:`` URL or a plain path; ``None`` for what is on a server."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return url2pathname(parts.path)
    return None if "://" in url else os.path.abspath(url)  # noqa: PTH100 -- a string is wanted


def json_rows(data: bytes, base: str) -> Iterator[Mapping[str, str]]:
    """The rows of a PEP 691 page.

    Raises:
        NoPageError: it is none.
    """
    try:
        page: object = json.loads(data)
    except (ValueError, RecursionError):
        raise NoPageError("is no JSON, though it says so", where=shown(base)) from None
    files = page.get("files") if isinstance(page, dict) else None
    if not isinstance(files, list):
        raise NoPageError("is no page of a package index: it has no files", where=shown(base))
    for row in files[:MAX_FILES]:
        if not isinstance(row, dict) or not isinstance(row.get("filename"), str) or not isinstance(row.get("url"), str):
            continue
        hashes, yanked = row.get("hashes"), row.get("yanked")
        yield {
            "filename": row["filename"],
            "url": urljoin(base, row["url"]),
            "sha256": _text(hashes.get("sha256")) if isinstance(hashes, dict) else "",
            "size": str(row.get("size") or 0),
            "yanked": yanked if isinstance(yanked, str) and yanked else "withdrawn" if yanked else "",
            "requires-python": _text(row.get("requires-python")),
            "uploaded": _text(row.get("upload-time")),
            "metadata": _metadata(next((row[key] for key in _METADATA_KEYS if key in row), None)),
        }


def _metadata(said: object) -> str:
    """The hash that a page gives of the METADATA beside a file: ``{"sha256": ...}``, ``true`` or ``false``."""
    if said is False:
        return NO_METADATA
    return _text(said.get("sha256")).lower() if isinstance(said, dict) else ""


class _Links(HTMLParser):
    """The links of a page."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.rows: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a link; ``<base>`` changes what links are relative to."""
        values = dict(attrs)
        href = values.get("href") or ""
        if tag == "base" and href:
            self.base = urljoin(self.base, href)
        if tag != "a" or not href or len(self.rows) >= MAX_FILES:
            return
        url, fragment = urldefrag(urljoin(self.base, href))
        digest = _SHA256.search(fragment)
        self.rows.append(
            {
                "filename": unquote(urlsplit(url).path.rpartition("/")[2]),
                "url": url,
                "sha256": digest[1] if digest else "",
                "yanked": (values["data-yanked"] or "withdrawn") if "data-yanked" in values else "",
                "requires-python": values.get("data-requires-python") or "",
                "metadata": _linked_metadata(values),
            }
        )


def _linked_metadata(values: Mapping[str, str | None]) -> str:
    """The same of a link: ``data-core-metadata="sha256=..."``, or ``"true"``."""
    said = values.get("data-core-metadata") or values.get("data-dist-info-metadata") or ""
    found = _SHA256.fullmatch(said.strip().lower())
    return found[1] if found else ""


def html_rows(data: bytes, base: str) -> list[dict[str, str]]:
    """The rows of a PEP 503 page."""
    links = _Links(base)
    links.feed(data.decode("utf-8", "replace"))
    links.close()
    return links.rows


def _of_folder(page: Path, name: str, base: str) -> tuple[IndexFile, ...]:
    """A project's folder of an index that lies on disk: a page, or the files themselves."""
    index = page / "index.html"
    if not index.is_file():
        return tuple(_of_project(_folder_rows(page), name))
    at = base if base.startswith("file:") else page.as_uri() + "/"
    return tuple(_of_project(html_rows(read_bounded(index, MAX_PAGE), at), name))


def _folder_rows(folder: Path) -> Iterator[dict[str, str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UnreadableError(f"cannot be listed ({error.strerror})", where=str(folder)) from None
    for entry in entries[:MAX_FILES]:
        if entry.name.endswith((".whl", ".tar.gz", ".zip")) and entry.is_file():
            size = str(entry.stat().st_size)
            yield {"filename": entry.name, "url": Path(entry.path).resolve().as_uri(), "size": size}


def _of_project(rows: Iterable[Mapping[str, str]], name: str) -> Iterator[IndexFile]:
    wanted = normalise(name)
    for row in rows:
        filename = row["filename"]
        parsed = _parse(filename)
        if parsed is not None and parsed[0] == wanted:
            size = row.get("size", "")
            yield IndexFile(
                filename=filename,
                url=row["url"],
                version=parsed[1],
                tags=parsed[2],
                sha256=row.get("sha256", ""),
                size=int(size) if size.isdecimal() else 0,
                yanked=row.get("yanked", ""),
                requires_python=row.get("requires-python", ""),
                uploaded=row.get("uploaded", ""),
                metadata=row.get("metadata", ""),
            )


def _parse(filename: str) -> tuple[str, str, tuple[str, ...]] | None:
    """Name, version and tags by a file's name; ``None`` for what is neither a wheel nor a source distribution."""
    try:
        if filename.endswith(".whl"):
            name, version, _, tags = parse_wheel_filename(filename)
            return name, str(version), tuple(sorted(map(str, tags)))
        if filename.endswith((".tar.gz", ".zip")):
            name, version = parse_sdist_filename(filename)
            return name, str(version), ()
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
    return None


def best_wheel(files: Iterable[IndexFile], version: Version, supported: Mapping[str, int]) -> IndexFile | None:
    """The wheel of a version that an installer takes: the best of the supported tags, the newest build.

    Args:
        files: what indexes have.
        version: compared with its local part: ``2.1.2`` is not ``2.1.2+cu121``.
        supported: tags with their rank, 0 the best.
    """
    worst = len(supported)
    ranked = [
        (min(supported.get(tag, worst) for tag in file.tags), place, file)
        for place, file in enumerate(files)
        if file.is_wheel and Version(file.version) == version
    ]
    fitting = [one for one in ranked if one[0] < worst]
    return min(fitting, key=lambda one: (bool(one[2].yanked), one[0], one[1]))[2] if fitting else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
