"""One manifest for all that a project, or a script of many steps, installs: ``pylock.toml`` and ``constraints.txt``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torchlink.model.errors import TorchlinkError
from torchlink.pins.inlined import with_files
from torchlink.pins.play import play, wish_of_all
from torchlink.pins.resolver import UvCommands
from torchlink.pins.write import Change
from torchlink.read.bounded import read_bounded
from torchlink.read.pins.survey import read_pins
from torchlink.solve.means import Means
from torchlink.solve.uv import Wish

_MANIFESTS = ("pyproject.toml", "requirements.txt")
_LARGEST = 16 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What is written, and what is in it."""

    changes: tuple[Change, ...]
    packages: int


def lock(target: Path, output: Path, means: Means, extras: tuple[str, ...], groups: tuple[str, ...]) -> Lock:
    """Resolve everything at once. Nothing is written.

    Args:
        target: A project's folder, a manifest, or a file with install commands.
        output: The folder for ``pylock.toml`` and ``constraints.txt``.
        means: What resolves.
        extras: Extras of the project.
        groups: Dependency groups of the project.

    Raises:
        TorchlinkError: There is nothing to resolve, or no set of versions.
    """
    wish = _wish(target, means, extras, groups)
    versions = {one.name: one.version for one in means.uv.resolve(wish) if one.version}
    constraints = "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))
    pylock = means.uv.lock(wish)
    texts = ((output / "pylock.toml", pylock), (output / "constraints.txt", constraints))
    return Lock(changes=tuple(_change(path, text) for path, text in texts), packages=len(versions))


def _wish(target: Path, means: Means, extras: tuple[str, ...], groups: tuple[str, ...]) -> Wish:
    if target.is_dir():
        found = next((target / name for name in _MANIFESTS if (target / name).is_file()), None)
        if found is None:
            raise TorchlinkError(f"it has none of {', '.join(_MANIFESTS)}", where=str(target), mend="name a file")
        return Wish(files=(found,), extras=extras, groups=groups)
    if target.name in _MANIFESTS or target.suffix in (".txt", ".in"):
        return Wish(files=(target,), extras=extras, groups=groups)
    files = read_pins(target).files
    file = next((with_files(one, files) for one in files if one.steps), None)
    if file is None:
        raise TorchlinkError("it installs nothing", where=str(target), mend="name a script, a Dockerfile or a manifest")
    return wish_of_all(file, play(file, target.parent, UvCommands(means.uv)), target.parent)


def _change(path: Path, text: str) -> Change:
    before = read_bounded(path, _LARGEST) if path.exists() else None
    return Change(file=path.name, path=path, before=before, after=text.encode(), encoding="utf-8")
