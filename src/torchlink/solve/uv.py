"""uv as the resolver: one place that starts it, with argument lists, and files in a folder that is gone afterwards."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from torchlink.model.errors import TorchlinkError
from torchlink.model.names import normalise
from torchlink.read.index_settings import IndexSettings
from torchlink.read.uv_constraints import uv_constraints
from torchlink.solve.fetching import Tell, fetched
from torchlink.solve.program import run_program

TIMEOUT_S = 600.0
INSTALL_TIMEOUT_S = 7200.0
_PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?(?:==([^\s;]+)| @ (\S+))", re.MULTILINE)
_SPAN = re.compile(r"\d+ ?[a-z]+|P[\dTYMWDHS]+")
"""``3 days``, ``P3D``: before now."""
_MANYLINUX = re.compile(r"manylinux_(2_\d+)_(x86_64|aarch64)")


_REPLACED = frozenset(
    {"VIRTUAL_ENV", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"}
)
"""What the user has set of these is in the settings already."""


class UnsatisfiableError(TorchlinkError):
    """uv found no set of versions. Its own words are the message; they are quoted and never parsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """One release of an answer."""

    name: str
    version: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What uv shall believe of a release instead of its own metadata: all of it, with more requirements."""

    name: str
    version: str
    requires: tuple[str, ...]
    extras: tuple[str, ...] = ()
    requires_python: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be resolved."""

    lines: tuple[str, ...] = ()
    """Requirements."""
    files: tuple[Path, ...] = ()
    """``requirements.txt``, ``pyproject.toml``, ``setup.py``."""
    constraints: tuple[Path, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    """More constraints: ``torch==2.1.2``."""
    preferred: Mapping[str, str] = field(default_factory=dict)
    """Versions to stay with where nothing speaks against them."""
    overrides: tuple[str, ...] = ()
    """Requirements that stand in the place of whatever anybody requires of their packages."""
    taught: tuple[Metadata, ...] = ()
    known: tuple[Resolved, ...] = ()
    """Releases that belong to every answer, and of which uv is not told."""
    builds: Mapping[str, str] = field(default_factory=dict)
    """By name the local build (``2.5.1+cu124``) that a public version in an answer stands for."""
    prereleases: str = ""
    """Which are taken, in uv's words (``--prerelease``); empty for the user's own choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uv:
    """uv with the settings of one question."""

    program: str
    settings: IndexSettings
    python: str = ""
    """The interpreter to resolve for; empty where it is not here."""
    python_version: str = ""
    platform: str = ""
    """As in wheel tags; empty for this machine's."""
    as_of: str = ""
    """No release after this day (``--exclude-newer``)."""
    offline: bool = False
    builds: bool = False
    """Whether uv may run the build scripts of releases that exist only as source, to learn what they require."""
    folder: Path | None = None
    """The project's: its own uv configuration counts."""

    def resolve(self, wish: Wish) -> tuple[Resolved, ...]:
        """The versions that uv takes.

        Raises:
            UnsatisfiableError: there are none.
            TorchlinkError: uv cannot run.
        """
        if not wish.lines and not wish.files:
            return wish.known
        with TemporaryDirectory(prefix="torchlink-") as scratch:
            command = [*self._start("pip", "compile"), *self._arguments(wish, Path(scratch))]
            done = _run(command, self.folder, _variables(self.settings))
            if done.returncode:
                raise _unsatisfiable(done.stderr, self)
            answer = Path(scratch, "answer.txt").read_text(encoding="utf-8")
        names = {one.name for one in wish.known}
        found = (_as_built(one, wish.builds.get(one.name, "")) for one in parse_answer(answer))
        return (*(one for one in found if one.name not in names), *wish.known)

    def lock(self, wish: Wish) -> str:
        """The answer as a ``pylock.toml`` (PEP 751).

        Raises:
            UnsatisfiableError: there is none.
            TorchlinkError: uv cannot run.
        """
        with TemporaryDirectory(prefix="torchlink-") as scratch:
            arguments = self._arguments(wish, Path(scratch))
            arguments[arguments.index("--output-file") + 1] = str(Path(scratch, "pylock.toml"))
            command = [*self._start("pip", "compile"), *arguments, "--format", "pylock.toml"]
            done = _run(command, self.folder, _variables(self.settings))
            if done.returncode:
                raise _unsatisfiable(done.stderr, self)
            return Path(scratch, "pylock.toml").read_text(encoding="utf-8")

    def export(self, lock: Path, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> str:
        """The set of this interpreter that a ``uv.lock`` holds, as requirements with markers.

        Raises:
            TorchlinkError: the lock is not one, does not belong to its project any more, or has no such extra or group.
        """
        command = [self.program, "export", "--quiet", "--frozen", "--no-hashes", "--no-emit-project", "--no-header"]
        for option, values in (("--extra", extras), ("--group", groups)):
            for value in values:
                command += [option, value]
        done = _run(command, lock.parent, _variables(self.settings))
        if done.returncode:
            raise TorchlinkError(_last_words(done.stderr), where=str(lock), mend="see what uv export says")
        return done.stdout

    def install(self, pins: Sequence[str], prefix: Path, tell: Tell) -> None:
        """Install exact pins, and nothing that they need, below a folder as they would lie in the interpreter's prefix.

        Args:
            pins: ``NAME==VERSION``.
            prefix: the folder.
            tell: told of downloads.

        Raises:
            TorchlinkError: one cannot be had, or the disk is full.
        """
        command = [self.program, "pip", "install", *self._options("pip"), "--no-deps", "--python", self.python]
        command += ["--prefix", str(prefix), "--", *pins]
        done = fetched(command, self.folder, _variables(self.settings), INSTALL_TIMEOUT_S, tell)
        if done.returncode:
            how = f"signal {-done.returncode}" if done.returncode < 0 else _why(done.stderr)
            raise TorchlinkError(f"uv could not install {', '.join(pins[:4])}: {how}", mend="nothing was changed")

    def relock(self, project: Path, versions: Mapping[str, str]) -> None:
        """Make the ``uv.lock`` of a project anew: all stays that may, and some packages get these versions.

        uv does so with the user's own settings alone, as it does for the user.

        Raises:
            UnsatisfiableError: there is no such lock.
            TorchlinkError: uv cannot run.
        """
        command = [*self._start("lock"), "--python", self.python, "--project", str(project)]
        for name, version in versions.items():
            command += ["--upgrade-package", f"{name}=={version}"]
        variables = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        done = _run(command, project, variables)
        if done.returncode:
            raise _unsatisfiable(done.stderr, self)

    def _start(self, *words: str) -> list[str]:
        return [self.program, *words, "--quiet", "--no-progress", *self._options(words[0])]

    def _options(self, word: str) -> list[str]:
        options = ["--color", "never"]
        if self.offline:
            options.append("--offline")
        if word == "pip" and not self.builds:
            options.append("--no-build")
        return options

    def _arguments(self, wish: Wish, scratch: Path) -> list[str]:
        answer = scratch / "answer.txt"
        if wish.preferred:
            answer.write_text("".join(f"{name}=={version}\n" for name, version in wish.preferred.items()))
        arguments = ["--output-file", str(answer), "--no-header", "--no-annotate", "--no-strip-extras"]
        arguments += self._for_interpreter()
        if self.as_of:
            arguments += ["--exclude-newer", _moment(self.as_of)]
        if wish.prereleases:
            arguments += ["--prerelease", wish.prereleases]
        constraints = tuple(str(path.absolute()) for path in wish.constraints)
        for option, values in (("--extra", wish.extras), ("--group", wish.groups), ("-c", constraints)):
            for value in values:
                arguments += [option, value]
        if wish.held:
            held = scratch / "held.txt"
            held.write_text("".join(f"{line}\n" for line in wish.held))
            arguments += ["-c", str(held)]
        if wish.overrides:
            overrides = scratch / "overrides.txt"
            overrides.write_text("".join(f"{line}\n" for line in wish.overrides))
            arguments += ["--overrides", str(overrides)]
        if wish.taught:
            # Such a file stands in the place of the project's own, whose constraints must not be lost.
            kept = uv_constraints(self.folder) if self.folder is not None else {}
            arguments += ["--config-file", str(_configuration(wish.taught, kept, scratch))]
        if wish.lines:
            lines = scratch / "asked.in"
            lines.write_text("".join(f"{line}\n" for line in wish.lines))
            arguments.append(str(lines))
        # uv runs in the project's folder, and the caller may stand elsewhere.
        return [*arguments, *(str(path.absolute()) for path in wish.files)]

    def _for_interpreter(self) -> list[str]:
        if self.python:
            return ["--python", self.python]
        arguments = ["--python-version", self.python_version]
        if self.platform:
            arguments += ["--python-platform", uv_platform(self.platform)]
        return arguments


def _as_built(one: Resolved, build: str) -> Resolved:
    return replace(one, version=build) if build and build.partition("+")[0] == one.version else one


def _moment(text: str) -> str:
    """A day, a moment or a span of time that uv understands.

    Raises:
        TorchlinkError: it is none.
    """
    if not _SPAN.fullmatch(text):
        try:
            datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            raise TorchlinkError("is no day", where=text, mend="say it as 2024-06-01") from None
    return text


def uv_platform(platform: str) -> str:
    """uv's name for a platform: ``x86_64-manylinux_2_28``, ``x86_64-pc-windows-msvc``."""
    if match := _MANYLINUX.fullmatch(platform):
        return f"{match[2]}-manylinux_{match[1]}"
    machine = "aarch64" if platform.endswith(("aarch64", "arm64")) else "x86_64"
    if platform.startswith("win"):
        return f"{machine}-pc-windows-msvc"
    if platform.startswith("macosx"):
        return f"{machine}-apple-darwin"
    return f"{machine}-unknown-linux-{'musl' if platform.startswith('musl') else 'gnu'}"


def parse_answer(text: str) -> tuple[Resolved, ...]:
    """The pins of ``uv pip compile``'s output."""
    return tuple(
        Resolved(name=normalise(match[1]), version=match[2] or "", url=match[3] or "")
        for match in _PINNED.finditer(text)
    )


def _configuration(taught: Sequence[Metadata], kept: Mapping[str, Sequence[str]], scratch: Path) -> Path:
    """A ``uv.toml`` that says what uv shall believe of some releases."""
    import json

    lines = [f"{key} = {json.dumps(list(values))}" for key, values in kept.items()]
    for one in taught:
        lines += ["[[dependency-metadata]]", f"name = {json.dumps(one.name)}", f"version = {json.dumps(one.version)}"]
        lines.append(f"requires-dist = {json.dumps(list(one.requires))}")
        if one.extras:
            lines.append(f"provides-extra = {json.dumps(list(one.extras))}")
        if one.requires_python:
            lines.append(f"requires-python = {json.dumps(one.requires_python)}")
    path = scratch / "uv.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _variables(settings: IndexSettings) -> dict[str, str]:
    """The environment that uv gets. Indexes go this way: their URLs may hold passwords, and arguments are public."""
    variables = {name: value for name, value in os.environ.items() if name not in _REPLACED}
    *extra, default = settings.indexes
    variables["UV_DEFAULT_INDEX"] = default
    variables["UV_INDEX"] = " ".join(extra)
    variables["UV_FIND_LINKS"] = ",".join(settings.find_links)
    if settings.merged and extra:
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in variables.items() if value or name not in _REPLACED}


def _run(command: Sequence[str], folder: Path | None, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return run_program("uv", command, folder, variables, timeout_s=TIMEOUT_S, mend="see whether the index does")


def _unsatisfiable(stderr: str, uv: Uv) -> UnsatisfiableError:
    """uv's own words; they are quoted, not understood."""
    lines = (line.strip(" ×╰─▶│├") for line in stderr.splitlines())
    words = " ".join(line.removeprefix("error: ").removeprefix("cause: ") for line in lines if line)
    note = " (offline: uv knows only what it has fetched before)" if uv.offline else ""
    mend = "" if uv.builds else "what exists only as source needs --allow-builds, which runs its build script"
    return UnsatisfiableError(
        f"uv finds no set of versions{note}: {words[:1500]}", mend=mend if "uild" in words else ""
    )


def _why(stderr: str) -> str:
    """uv's error without the warnings before it, its beginning and its end where it is long: the cause stands last."""
    lines = stderr.splitlines()
    first = next((number for number, line in enumerate(lines) if line.lstrip().startswith(("error", "×"))), 0)
    words = " ".join(" ".join(lines[first:]).split())
    return words if len(words) <= 600 else f"{words[:250]} … {words[-350:]}"


def _last_words(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "uv failed without a word"
