"""Reads ``[tool.torchlink]`` of a project's ``pyproject.toml``."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from torchlink.model.configuration import Configuration, Silence
from torchlink.model.errors import TorchlinkError, UnreadableError
from torchlink.model.reference import Kind

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LARGEST = 10_000_000
_KNOWN = ("silence", "verify")
_SILENCE_KEYS = ("code", "package", "path", "reason")
_SEPARATORS = re.compile(r"[-_.]+")


def read_configuration(project: Path, rules: Collection[str] = ()) -> Configuration:
    """Read the configuration of a project folder. A project without any has the empty one.

    Args:
        project: The folder.
        rules: The codes of behaviour rules, which may be silenced by code as kinds of findings may.

    Raises:
        UnreadableError: The file is no TOML.
        TorchlinkError: Its ``[tool.torchlink]`` says something that is not understood.
    """
    path = project / "pyproject.toml"
    table = _table(path)
    unknown = sorted(set(table) - set(_KNOWN))
    if unknown:
        raise _wrong(path, f"[tool.torchlink] has no setting {unknown[0]!r}", f"known: {', '.join(_KNOWN)}")
    entries = table.get("silence", [])
    if not isinstance(entries, list):
        raise _wrong(path, "tool.torchlink.silence is not a list of tables", "write [[tool.torchlink.silence]]")
    return Configuration(
        silences=tuple(_silence(path, place, entry, rules) for place, entry in enumerate(entries, start=1)),
        verify=_command(path, table.get("verify", [])),
    )


def _command(path: Path, value: object) -> tuple[str, ...]:
    """A command as a line or as a list of its words."""
    words = _split(value) if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _wrong(path, "tool.torchlink.verify is no command", 'write verify = "pytest -q"')
    return tuple(word for word in words if isinstance(word, str))


def _split(line: str) -> list[str] | None:
    try:
        return shlex.split(line)
    except ValueError:
        return None


def _table(path: Path) -> Mapping[str, object]:
    try:
        if not path.is_file():
            return {}
        if path.stat().st_size > _LARGEST:
            raise _wrong(path, "the file is larger than 10 MB", "check that it is a pyproject.toml")
        document = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise _wrong(path, f"it cannot be read ({error.strerror})", "mend its permissions") from error
    except (ValueError, RecursionError) as error:
        what = " ".join(f"it is not valid TOML ({error})".split())
        raise UnreadableError(what, where=str(path), mend="mend the file") from error
    return _member(_member(document, "tool", path), "torchlink", path)


def _member(table: Mapping[str, object], key: str, path: Path) -> Mapping[str, object]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(path, f"{key!r} is not a table", "write [tool.torchlink]")
    return value


def _silence(path: Path, place: int, entry: object, rules: Collection[str]) -> Silence:
    where = f"[[tool.torchlink.silence]] number {place}"
    if not isinstance(entry, dict):
        raise _wrong(path, f"{where} is not a table", "write [[tool.torchlink.silence]]")
    texts = {str(key): value for key, value in entry.items() if isinstance(value, str)}
    for key in entry:
        if key not in _SILENCE_KEYS:
            raise _wrong(path, f"{where} has no key {key!r}", f"known: {', '.join(_SILENCE_KEYS)}")
        if key not in texts:
            raise _wrong(path, f"{where}: {key!r} is not a string", "quote it")
    if not texts.get("reason", "").strip():
        raise _wrong(path, f"{where} has no reason", 'add reason = "..."')
    if not any(texts.get(key) for key in ("code", "package", "path")):
        raise _wrong(path, f"{where} would silence everything", "add a code, a package or a path")
    return _checked(path, where, texts, rules)


def _checked(path: Path, where: str, texts: Mapping[str, str], rules: Collection[str]) -> Silence:
    code = texts.get("code", "")
    codes = [kind.value for kind in Kind]
    if code and code not in codes and code not in rules:
        raise _wrong(path, f"{where}: {code!r} is no kind of finding", f"known: {', '.join(codes)}")
    return Silence(
        reason=texts["reason"].strip(),
        code=code,
        package=_SEPARATORS.sub("-", texts.get("package", "")).lower(),
        path=texts.get("path", ""),
    )


def _wrong(path: Path, what: str, mend: str) -> TorchlinkError:
    return TorchlinkError(" ".join(what.split()), where=str(path), mend=mend)
