"""Which environments have a transaction that is not over: a file for each, where every command can look in no time."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_MAX_PATH = 4096


def state_folder(variables: Mapping[str, str], platform: str = sys.platform) -> Path | None:
    """The user's folder for what torchlink must not forget, or ``None`` where the environment names no home.

    ``TORCHLINK_STATE_DIR`` comes first, then ``XDG_STATE_HOME`` or ``~/.local/state`` (XDG base directories),
    ``~/Library/Application Support`` on macOS, ``%LOCALAPPDATA%`` on Windows.
    """
    if own := variables.get("TORCHLINK_STATE_DIR"):
        return Path(own).absolute()
    home = variables.get("HOME", "")
    if platform == "win32":
        base = variables.get("LOCALAPPDATA", "")
    elif platform == "darwin":
        base = str(Path(home, "Library", "Application Support")) if home else ""
    else:
        base = variables.get("XDG_STATE_HOME", "")
        if not Path(base).is_absolute():
            base = str(Path(home, ".local", "state")) if home else ""
    return Path(base, "torchlink") if base and Path(base).is_absolute() else None


def note(prefix: Path, folder: Path | None) -> None:
    """Note that an environment is being changed. A folder that cannot be written is no hindrance."""
    if folder is not None:
        with suppress(OSError):
            path = _place(prefix, folder)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text(str(prefix), encoding="utf-8", errors="surrogateescape")


def forget(prefix: Path, folder: Path | None) -> None:
    """Take the note back: nothing is open there."""
    if folder is not None:
        with suppress(OSError):
            _place(prefix, folder).unlink(missing_ok=True)


def _place(prefix: Path, folder: Path) -> Path:
    import hashlib

    return folder / "open" / hashlib.sha256(os.fsencode(prefix)).hexdigest()[:16]


def noted(folder: Path | None) -> list[Path]:
    """The environments with a note, as far as they still exist."""
    found: list[Path] = []
    with suppress(OSError):
        for path in sorted((folder / "open").iterdir()) if folder is not None else ():
            prefix = Path(path.read_bytes()[:_MAX_PATH].decode("utf-8", "surrogateescape"))
            if prefix.is_dir():
                found.append(prefix)
            else:
                path.unlink(missing_ok=True)
    return found


def interrupted(variables: Mapping[str, str]) -> list[str]:
    """A line for each environment whose change was cut short, and how to end it."""
    folder = state_folder(variables)
    open_ones = noted(folder)
    if not open_ones:
        return []
    from torchlink.apply.journal import entries
    from torchlink.apply.lock import is_locked

    lines: list[str] = []
    for prefix in open_ones:
        unfinished = [entry for entry in entries(prefix) if not entry.state().is_over]
        if unfinished and not is_locked(prefix):
            entry = unfinished[-1]
            lines.append(
                f"{prefix}: change {entry.id} was interrupted while {entry.state().value}; end it with "
                f"'torchlink rollback --python {prefix}' or 'torchlink fix --continue --python {prefix}'"
            )
    return lines
