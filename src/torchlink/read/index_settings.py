"""Where the user's own tools look for packages: uv's configuration, and pip's where uv has none.

uv: https://docs.astral.sh/uv/reference/settings/ and its environment variables. pip: "Configuration" in its
documentation (``pip.conf``, ``PIP_*``). Only where packages come from is read, nothing else.
"""

from __future__ import annotations

import configparser
import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from torchlink.model.errors import UnreadableError
from torchlink.read.bounded import read_bounded
from torchlink.read.requirement_options import requirement_options
from torchlink.read.uv_program import default_index

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MAX_CONFIGURATION = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """Where packages are looked for. Indexes stand in the order of their precedence, the default one last."""

    indexes: tuple[str, ...] = field(default_factory=lambda: tuple(filter(None, (default_index(),))))
    find_links: tuple[str, ...] = ()
    """Folders, or pages with links to files."""
    merged: bool = False
    """Whether all indexes are equals, as pip has it; uv takes a package from the first one that knows it."""

    @property
    def digest(self) -> str:
        """A digest, for what is remembered."""
        text = "\0".join((*self.indexes, "", *self.find_links))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class _Said:
    """What one tool's configuration says; empty where it says nothing."""

    default: str = ""
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()

    def over(self, other: _Said) -> _Said:
        """This, completed by what ``other`` says of the rest."""
        return _Said(self.default or other.default, self.extra or other.extra, self.find_links or other.find_links)


def index_settings(
    project: Path | None, variables: Mapping[str, str], index_url: str = "", files: Iterable[Path] = ()
) -> IndexSettings:
    """The indexes of this user in this project.

    Args:
        project: its folder, in which ``uv.toml`` and ``pyproject.toml`` are looked for.
        variables: the environment.
        index_url: the index to use instead of the default one.
        files: requirements files, whose own options come first.

    Raises:
        UnreadableError: a configuration file is no TOML.
    """
    options = requirement_options(files)
    own = _uv(project, variables)
    said = own.over(_pip(variables))
    said = _Said(options.index or said.default, (*options.extra, *said.extra), (*options.find_links, *said.find_links))
    if index_url:
        said = replace(said, default=index_url)
    ordered = dict.fromkeys((*said.extra, said.default or default_index()))
    return IndexSettings(
        indexes=tuple(filter(None, ordered)),
        find_links=tuple(dict.fromkeys(said.find_links)),
        merged=not own.extra and not options.extra,
    )


def _uv(project: Path | None, variables: Mapping[str, str]) -> _Said:
    own = _Said(
        default=variables.get("UV_DEFAULT_INDEX") or variables.get("UV_INDEX_URL", ""),
        extra=_words(variables.get("UV_INDEX", "")) or _words(variables.get("UV_EXTRA_INDEX_URL", "")),
        find_links=_words(variables.get("UV_FIND_LINKS", ""), ","),
    )
    for path, table in _uv_files(project, variables):
        if (values := _toml(path)) is not None:
            for name in table:
                values = values.get(name) if isinstance(values, dict) else None
            if isinstance(values, dict):
                own = own.over(_uv_table(values, path.parent))
    return own


def _uv_files(project: Path | None, variables: Mapping[str, str]) -> Iterator[tuple[Path, tuple[str, ...]]]:
    if project is not None:
        for folder in (project, *project.parents):
            yield folder / "uv.toml", ()
            yield folder / "pyproject.toml", ("tool", "uv")
    if named := variables.get("UV_CONFIG_FILE"):
        yield Path(named), ()
    home = variables.get("XDG_CONFIG_HOME") or f"{variables.get('HOME', '')}/.config"
    yield Path(home, "uv", "uv.toml"), ()
    yield Path("/etc/uv/uv.toml"), ()


def _uv_table(values: Mapping[str, object], folder: Path) -> _Said:
    default, extra = _text(values.get("index-url")), list(_texts(values.get("extra-index-url")))
    indexes = values.get("index")
    for index in indexes if isinstance(indexes, list) else ():
        url = _text(index.get("url")) if isinstance(index, dict) else ""
        if url and index.get("default") is True:
            default = url
        elif url and index.get("explicit") is not True:
            extra.append(url)
    pip = values.get("pip")
    found = _texts(values.get("find-links")) or _texts(pip.get("find-links") if isinstance(pip, dict) else None)
    return _Said(default, tuple(extra), tuple(_beside(link, folder) for link in found))


def _pip(variables: Mapping[str, str]) -> _Said:
    own = _Said(
        default=variables.get("PIP_INDEX_URL", ""),
        extra=_words(variables.get("PIP_EXTRA_INDEX_URL", "")),
        find_links=_words(variables.get("PIP_FIND_LINKS", "")),
    )
    for path in _pip_files(variables):
        own = own.over(_pip_file(path))
    return own


def _pip_files(variables: Mapping[str, str]) -> Iterator[Path]:
    """pip's files, the strongest first."""
    if named := variables.get("PIP_CONFIG_FILE"):
        yield Path(named)
    if environment := variables.get("VIRTUAL_ENV"):
        yield Path(environment, "pip.conf")
    home = variables.get("HOME", "")
    yield Path(variables.get("XDG_CONFIG_HOME") or f"{home}/.config", "pip", "pip.conf")
    yield Path(home, ".pip", "pip.conf")
    yield Path("/etc/xdg/pip/pip.conf")
    yield Path("/etc/pip.conf")


def _pip_file(path: Path) -> _Said:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(read_bounded(path, _MAX_CONFIGURATION).decode("utf-8", "replace"))
    except (UnreadableError, configparser.Error):
        return _Said()

    def value(name: str) -> str:
        return next((parser[part][name] for part in ("install", "global") if parser.has_option(part, name)), "")

    return _Said(value("index-url"), _words(value("extra-index-url")), _words(value("find-links")))


def _toml(path: Path) -> object:
    try:
        return tomllib.loads(read_bounded(path, _MAX_CONFIGURATION).decode("utf-8", "replace"))
    except UnreadableError:
        return None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnreadableError(f"is no TOML ({error})", where=str(path), mend="correct the file") from None


def _beside(link: str, folder: Path) -> str:
    return link if "://" in link else os.path.normpath(folder / link)


def _words(text: str, separators: str = "") -> tuple[str, ...]:
    return tuple(word for word in re.split(rf"[\s{separators}]+", text) if word)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, str))
