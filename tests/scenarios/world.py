"""A small environment and a project beside it, made in the test, and torchlink to check the one in the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from torchlink.cli.main import run
from torchlink.model.report import Report
from torchlink.report.json import load


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An environment, a project, and what torchlink says of them."""

    environment: Path
    project: Path
    capture: pytest.CaptureFixture[str]

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    @property
    def site(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.environment / "lib" / version / "site-packages"

    def install(self, name: str, version: str, files: Mapping[str, str], requires: tuple[str, ...] = ()) -> None:
        """Install a distribution as an installer would: its files, its metadata and its RECORD."""
        for path, text in files.items():
            target = self.site / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        self.register(name, version, tuple(files), requires)

    def register(self, name: str, version: str, files: tuple[str, ...], requires: tuple[str, ...] = ()) -> None:
        """Write the metadata of files that are already there."""
        info = self.site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {line}" for line in requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (info / "WHEEL").write_text("Wheel-Version: 1.0\nTag: py3-none-any\n", encoding="utf-8")
        (info / "INSTALLER").write_text("uv\n", encoding="utf-8")
        names = [*files, f"{info.name}/METADATA", f"{info.name}/WHEEL", f"{info.name}/INSTALLER"]
        (info / "RECORD").write_text("".join(f"{path},,\n" for path in names), encoding="utf-8")

    def source(self, path: str, text: str) -> None:
        """Write a file of the project."""
        target = self.project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def check(self, *options: str, project: bool = True) -> tuple[int, str, str]:
        """Run ``torchlink check``: its exit code, what it printed, and what it said on stderr."""
        arguments = ["check", *([str(self.project)] if project else []), "--python", str(self.python), *options]
        code = run(arguments)
        out, err = self.capture.readouterr()
        return code, out, err

    def report(self, *options: str, project: bool = True) -> Report:
        """The report as a program reads it."""
        code, out, err = self.check("--format", "json", *options, project=project)
        assert code in (0, 1), err
        return load(out)


def build(compiler: str, code: str, output: Path, *options: str) -> None:
    """Compile a shared library."""
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(output), *options]
    subprocess.run(command, input=code.encode(), check=True, capture_output=True)
