"""Which files a change moves out of an environment, and which it moves in.

Files are renamed, never copied, and a folder as it is where all of it goes: what is replaced keeps its inode, its times
and its links, costs no space, and is back in a moment without any network. All paths are relative to the environment's
prefix.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
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
    """Folders that are none before the change."""
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
    coming = dict(_below(str(staged)))
    into = tuple(sorted(path for path, folder in coming.items() if not folder))
    out: set[str] = set()
    for one in environment.distributions:
        if one.name in changed:
            out.update(relative for path in _files_of(one) if (relative := _relative(path, prefix)))
    for one in environment.distributions:
        if one.name not in changed:
            out.difference_update(_relative(path, prefix) for path in one.files)
    out.update(path for path in into if path not in out and _is_file(f"{prefix}{os.sep}{path}"))
    out.update(tuple(compiled(prefix, out)))
    roots = (relative for one in environment.search_path if (relative := _relative(one.path, prefix)))
    return Moves(
        out=tuple(sorted(out)),
        into=into,
        made=tuple(sorted(path for path, folder in coming.items() if folder and not Path(prefix, path).is_dir())),
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
    yield from (f"{folder}{os.sep}{path}" for path, inner in _below(folder) if not inner)


def _below(folder: str) -> Iterator[tuple[str, bool]]:
    """All that lies below a folder, relative to it, and whether that is a folder too."""
    start, waiting = len(folder) + 1, [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                inner = entry.is_dir(follow_symlinks=False)
                if inner:
                    waiting.append(entry.path)
                yield entry.path[start:], inner


def _relative(path: str, prefix: str) -> str:
    """Empty for a file outside the environment: it is not ours to move."""
    start = prefix.rstrip(os.sep) + os.sep
    return path[len(start) :] if path.startswith(start) else ""


def make_room(prefix: Path, moves: Moves, saved: Path) -> None:
    """Make the folders that `carry_forward` moves files to: in the switch itself a disk may be full.

    Raises:
        OSError: one cannot be made.
    """
    whole = whole_folders(str(prefix), moves)
    for folder in {path.rpartition(os.sep)[0] for path in (*whole, *_outside(whole, moves.out))}:
        (saved / folder).mkdir(parents=True, exist_ok=True)


def carry_forward(prefix: Path, moves: Moves, staged: Path, saved: Path) -> None:
    """Put the new files in the place of the old ones. It can be called again after it was cut short at any file.

    Raises:
        OSError: a file cannot be moved.
    """
    here, old = (f"{folder}{os.sep}" for folder in (prefix, saved))
    whole = [folder for folder in whole_folders(str(prefix), moves) if _took_whole(here + folder, old + folder)]
    left = _outside(whole, moves.out)
    for path in left:
        if not os.path.lexists(old + path):
            _move(here + path, old + path)
    _prune(prefix, (folder for folder in _parents((*whole, *left)) if folder not in moves.fixed))
    _merge(str(staged), str(prefix))


def carry_back(prefix: Path, moves: Moves, saved: Path) -> None:
    """Put the old files back. It can be called again after it was cut short at any file.

    Raises:
        OSError: a file cannot be moved.
    """
    here, old = (f"{folder}{os.sep}" for folder in (prefix, saved))
    replaced = frozenset(moves.out)
    for path in (*moves.into, *compiled(str(prefix), moves.into)):
        if path not in replaced or os.path.lexists(old + path):
            _remove(here + path)
    folders = _parents(moves.into)
    coming = {folder for folder in folders - moves.fixed if os.path.lexists(old + folder)}
    _prune(prefix, {*moves.made, *coming, *(f"{folder}{os.sep}__pycache__" for folder in folders)})
    if saved.is_dir():
        _merge(str(saved), str(prefix))


def whole_folders(prefix: str, moves: Moves) -> list[str]:
    """The folders that hold nothing but what is moved out, as they lie there now; none that is in another of them."""
    names = _names_in(moves.out)
    whole: set[str] = set()
    for folder in sorted(names.keys() - moves.fixed, key=len, reverse=True):  # what lies in a folder comes before it
        with suppress(OSError), os.scandir(f"{prefix}{os.sep}{folder}") as entries:
            if all(_goes(entry, f"{folder}{os.sep}{entry.name}", names, whole) for entry in entries):
                whole.add(folder)
    return sorted(folder for folder in whole if folder.rpartition(os.sep)[0] not in whole)


def _goes(entry: os.DirEntry[str], path: str, names: Mapping[str, set[str]], whole: Collection[str]) -> bool:
    if entry.is_dir(follow_symlinks=False):
        return path in whole
    return path not in names and entry.name in names[path.rpartition(os.sep)[0]]  # a link to a folder is no file


def _names_in(paths: Iterable[str]) -> dict[str, set[str]]:
    """What lies in each folder above some files, up to those in the prefix itself."""
    names: dict[str, set[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition(os.sep)
        while folder and name not in (known := names.setdefault(folder, set())):
            known.add(name)
            folder, _, name = folder.rpartition(os.sep)
    return names


def _outside(folders: Iterable[str], paths: Iterable[str]) -> list[str]:
    """Those of some files that lie in none of some folders."""
    starts = tuple(f"{folder}{os.sep}" for folder in folders)
    return [path for path in paths if not path.startswith(starts)]


def _is_file(path: str) -> bool:
    """Whether a file lies there, or a link to whatever it is."""
    return os.path.lexists(path) and (not os.path.isdir(path) or os.path.islink(path))  # noqa: PTH112, PTH114


def _remove(path: str) -> None:
    """Remove a file, if one lies there."""
    try:
        os.unlink(path)  # noqa: PTH108 - of thousands of files: a Path for each takes longer than that
    except OSError:
        if _is_file(path):
            raise


def _took_whole(source: str, target: str) -> bool:
    """Take a folder out as it is, if that was not begun before. Where the system does not move it (overlayfs refuses
    folders that came with an image), its files can be moved still."""
    if os.path.lexists(target) or Path(source).is_symlink():
        return False
    with suppress(OSError):
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(source).replace(target)
        return True
    return False


def _merge(source: str, target: str) -> None:
    """Move what lies in a folder to the same places in another: inner folders as they are where the other has none."""
    with os.scandir(source) as entries:
        found = list(entries)
    for entry in found:
        place = f"{target}{os.sep}{entry.name}"
        if not entry.is_dir(follow_symlinks=False):
            os.replace(entry.path, place)  # noqa: PTH105
        elif os.path.lexists(place) or not _placed_whole(entry.path, place):
            Path(place).mkdir(exist_ok=True)
            _merge(entry.path, place)


def _placed_whole(source: str, target: str) -> bool:
    with suppress(OSError):
        Path(source).replace(target)
        return True
    return False


def _move(source: str, target: str) -> None:
    """Move a file that is there; one that is not was moved before."""
    try:
        os.replace(source, target)  # noqa: PTH105
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
