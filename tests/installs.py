"""Real environments on disk, made in a moment: a virtual environment of this Python, and distributions in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from torchlink.model.environment import Environment
from torchlink.read.environment import find, read_environment
from torchlink.read.tree import Tree

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def make_venv(prefix: Path, *, system_site: bool = False) -> Path:
    """Make a virtual environment as ``venv`` lays it out, and return its site-packages."""
    base = Path(sys.base_prefix)
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").symlink_to(base / "bin" / f"python{VERSION}")
    (prefix / "pyvenv.cfg").write_text(
        f"home = {base / 'bin'}\ninclude-system-site-packages = {str(system_site).lower()}\n"
        f"version = {sys.version.split()[0]}\n"
    )
    site = prefix / "lib" / f"python{VERSION}" / "site-packages"
    site.mkdir(parents=True)
    return site


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def install(
    site: Path,
    name: str,
    version: str,
    *,
    requires: Iterable[str] = (),
    headers: Iterable[str] = (),
    files: Mapping[str, str | bytes] | None = None,
    tags: Iterable[str] = ("py3-none-any",),
    record: Iterable[str] = (),
    extra_metadata: Mapping[str, str] | None = None,
) -> Path:
    """Install a distribution as pip does (files, METADATA, WHEEL, INSTALLER, RECORD) and return its ``.dist-info``."""
    contents = {f"{name.replace('-', '_')}/__init__.py": ""} if files is None else dict(files)
    write(site, contents)
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *headers]
    lines.extend(f"Requires-Dist: {line}" for line in requires)
    wheel = ["Wheel-Version: 1.0", *(f"Tag: {tag}" for tag in tags)]
    metadata = {
        "METADATA": "\n".join(lines) + "\n\nA description.\nRequires-Dist: not-a-header\n",
        "WHEEL": "\n".join(wheel) + "\n",
        "INSTALLER": "pip\n",
        **(extra_metadata or {}),
    }
    write(site / info, metadata)
    paths = [*contents, *record, *(f"{info}/{file}" for file in metadata), f"{info}/RECORD"]
    (site / info / "RECORD").write_text("".join(f"{path},,\n" for path in paths))
    return site / info


def read(prefix: Path, variables: Mapping[str, str] | None = None) -> Environment:
    """Read an environment with nothing of this process's own variables."""
    return read_with_tree(prefix, variables)[0]


def read_with_tree(prefix: Path, variables: Mapping[str, str] | None = None) -> tuple[Environment, Tree]:
    """Read an environment and its files."""
    clean = {"PATH": os.environ.get("PATH", ""), "HOME": str(prefix), **(variables or {})}
    return read_environment(find(None, prefix, clean), clean)
