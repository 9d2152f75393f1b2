"""Which files a change moves out of an environment, and which it moves in.

Files are renamed, never copied: what is replaced keeps its inode, its times and its links, costs no space, and is back
in a moment without any network. All paths are relative to the environment's prefix.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from torchlink.model.environment import Distribution, DistributionKind, Environment
from torchlink.model.errors import TorchlinkError
from torchlink.report.document import Node

_TOP_FOLDERS = ("bin", "include", "lib", "lib64", "share", "Scripts", "Lib", "Include")
"""What ``venv`` makes in a prefix, whether anything lies in it or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """The files of one change."""

    out: tuple[str, ...]
    """What is moved out: files of the distributions that change, their byte code, and what new files would replace."""
    into: tuple[str, ...]
    """What is moved in."""
    made: tuple[str, ...]
    """Folders that do not exist before the change."""
    fixed: frozenset[str]
    """Folders that stay, even if nothing is left in them."""

    def document(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "out": list(self.out),
            "into": list(self.into),
            "made": list(self.made),
            "fixed": sorted(self.fixed),
        }

    @staticmethod
    def read(at: Node) -> Moves:
        """Read what `document` made."""
        return Moves(
            out=at.texts("out"), into=at.texts("into"), made=at.texts("made"), fixed=frozenset(at.texts("fixed"))
        )


def plan_moves(environment: Environment, changed: Collection[str], staged: Path) -> Moves:
    """Find the files that a change moves.

    Args:
        environment: as it is.
        changed: names of the distributions that are replaced or removed.
        staged: the folder with the new files.

    Raises:
        TorchlinkError: some distribution cannot be taken out.
    """
    prefix = environment.prefix
    into = tuple(sorted(_files_below(staged)))
    leaving = [one for one in environment.distributions if one.name in changed]
    staying = {path for one in environment.distributions if one.name not in changed for path in one.files}
    out: dict[str, None] = {}
    for distribution in leaving:
        for path in _files_of(distribution):
            if path not in staying and (relative := _relative(path, prefix)):
                out[relative] = None
    for path in into:
        if os.path.lexists(f"{prefix}{os.sep}{path}"):
            out[path] = None
    byte_code = compiled(prefix, out)
    roots = (relative for one in environment.search_path if (relative := _relative(one.path, prefix)))
    return Moves(
        out=tuple(sorted({*out, *byte_code})),
        into=into,
        made=tuple(sorted(folder for folder in _parents(into) if not os.path.lexists(f"{prefix}{os.sep}{folder}"))),
        fixed=frozenset({*_parents(f"{root}{os.sep}x" for root in roots), *_TOP_FOLDERS}),
    )


def compiled(prefix: str, sources: Iterable[str]) -> Iterator[str]:
    """The byte code beside some sources, as it lies there now."""
    stems: dict[str, set[str]] = {}
    for path in sources:
        if path.endswith(".py"):
            folder, _, name = path.rpartition(os.sep)
            stems.setdefault(folder, set()).add(name[: -len(".py")])
    for folder, wanted in stems.items():
        cache = f"{folder}{os.sep}__pycache__"
        try:
            names = [path.name for path in Path(f"{prefix}{os.sep}{cache}").iterdir()]
        except OSError:
            continue
        yield from (f"{cache}{os.sep}{name}" for name in names if name.partition(".")[0] in wanted)


def _files_of(distribution: Distribution) -> Iterator[str]:
    if distribution.kind is not DistributionKind.DIST_INFO:
        owner = "conda" if distribution.kind is DistributionKind.CONDA else f"a {distribution.kind.value} install"
        raise TorchlinkError(
            f"{distribution.label} belongs to {owner}, which keeps no list of its files that could be followed",
            where=distribution.metadata_path,
            mend="change it with the tool that installed it",
        )
    yield from distribution.files
    folder = distribution.metadata_path
    yield from (f"{folder}{os.sep}{path}" for path in _files_below(Path(folder)))


def _files_below(folder: Path) -> Iterator[str]:
    """Files and links below a folder, relative to it. uv's own lock at the top is none of them."""
    start = len(str(folder)) + 1
    for base, folders, names in os.walk(folder):
        links = [name for name in folders if Path(f"{base}{os.sep}{name}").is_symlink()]
        for name in (*names, *links):
            path = f"{base}{os.sep}{name}"[start:]
            if path != ".lock":
                yield path


def _relative(path: str, prefix: str) -> str:
    """Empty for a file outside the environment: it is not ours to move."""
    start = prefix.rstrip(os.sep) + os.sep
    return path[len(start) :] if path.startswith(start) else ""


def carry_forward(prefix: Path, moves: Moves, staged: Path, saved: Path) -> None:
    """Put the new files in the place of the old ones. It can be called again after it was cut short at any file.

    Raises:
        OSError: a file cannot be moved.
    """
    here, new, old = (f"{folder}{os.sep}" for folder in (prefix, staged, saved))
    for path in moves.out:
        if not os.path.lexists(old + path):
            _move(here + path, old + path)
    for path in moves.into:
        _move(new + path, here + path)
    _prune(prefix, (folder for folder in _parents(moves.out) if folder not in moves.fixed))


def carry_back(prefix: Path, moves: Moves, saved: Path) -> None:
    """Put the old files back. It can be called again after it was cut short at any file.

    Raises:
        OSError: a file cannot be moved.
    """
    here, old = (f"{folder}{os.sep}" for folder in (prefix, saved))
    replaced = frozenset(moves.out)
    for path in (*moves.into, *compiled(str(prefix), moves.into)):
        if path not in replaced:
            with suppress(FileNotFoundError):
                os.unlink(here + path)  # noqa: PTH108 - as below
    for path in moves.out:
        _move(old + path, here + path)
    byte_code_folders = (f"{folder}{os.sep}__pycache__" for folder in moves.made)
    _prune(prefix, (*moves.made, *byte_code_folders))


def _move(source: str, target: str) -> None:
    """Move a file that is there; one that is not was moved before."""
    try:
        os.replace(source, target)  # noqa: PTH105 - of thousands of files: a Path for each takes longer than to move it
    except FileNotFoundError:
        if os.path.lexists(source):
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            Path(source).replace(target)


def _parents(paths: Iterable[str]) -> set[str]:
    """Every folder above some files, up to the prefix."""
    folders: set[str] = set()
    for path in paths:
        folder = path.rpartition(os.sep)[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition(os.sep)[0]
    return folders


def _prune(prefix: Path, folders: Iterable[str]) -> None:
    """Remove those of some folders that are empty, the deepest first."""
    for folder in sorted(folders, key=len, reverse=True):
        with suppress(OSError):  # it is not empty, or gone already
            (prefix / folder).rmdir()
