"""Poetry as the owner of a ``poetry.lock``: one place that starts it, with argument lists."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torchlink.model.errors import TorchlinkError
from torchlink.solve.program import run_program

TIMEOUT_S = 1800.0
_VERSION = re.compile(r"\bversion (\d+)\.")
_PROGRAMS = ("bin", "Scripts")
_LOCK = ("--no-plugins", "--no-interaction", "--no-ansi", "lock")
"""Without plugins: poetry would load those that lie in the project, and nothing of a project is executed."""


def find_poetry(prefix: Path) -> str:
    """The path of poetry's program: the one on the path, or the environment's own.

    Raises:
        TorchlinkError: there is none.
    """
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), *(str(prefix / name) for name in _PROGRAMS)))
    found = shutil.which("poetry", path=places)
    if found is None:
        raise TorchlinkError(
            "poetry.lock would not hold the change, and poetry is not here to lock anew",
            mend="put poetry on the path (pipx install poetry); nothing was changed",
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Poetry:
    """Poetry at work for one environment."""

    program: str
    prefix: Path
    """The environment's: its interpreter is the one to lock with."""

    def relock(self, project: Path, versions: Mapping[str, str]) -> None:
        """Make the ``poetry.lock`` of a project anew: all stays that may, and some packages get these versions.

        Poetry takes a version from a manifest alone, and then keeps what its lock holds: it locks once with a group
        that names the versions, and once more without.

        Args:
            project: a folder that may be written to, with its manifest as it will be.
            versions: of packages, whether the manifest names them or not.

        Raises:
            TorchlinkError: there is no such lock, or poetry cannot run.
        """
        command = [*_LOCK, *self._that_keeps()]
        manifest = project / "pyproject.toml"
        wanted = manifest.read_bytes()
        pins = "".join(f'"{name}" = "=={version}"\n' for name, version in versions.items())
        manifest.write_bytes(wanted + f"\n[tool.poetry.group.torchlink.dependencies]\n{pins}".encode())
        self._run(command, project)
        manifest.write_bytes(wanted)
        self._run(command, project)

    def _that_keeps(self) -> list[str]:
        """The option that keeps what a lock holds; since poetry 2 there is none, and it always does."""
        said = _VERSION.search(self._run(["--version", "--no-plugins", "--no-ansi"], None))
        return ["--no-update"] if said is not None and int(said[1]) < 2 else []

    def _run(self, arguments: list[str], folder: Path | None) -> str:
        variables = {name: value for name, value in os.environ.items() if name != "CONDA_PREFIX"}
        variables["VIRTUAL_ENV"] = str(self.prefix)
        command = [self.program, *arguments]
        done = run_program("poetry", command, folder, variables, timeout_s=TIMEOUT_S, mend="see why")
        if done.returncode:
            words = " ".join((done.stderr or done.stdout).split())[:1500]
            mend = "let pyproject.toml allow the plan's versions first; nothing was changed"
            raise TorchlinkError(f"poetry makes no lock: {words}", mend=mend)
        return done.stdout
