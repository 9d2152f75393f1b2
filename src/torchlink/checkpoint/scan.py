"""Scan files and folders: is it safe to load them?"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torchlink.checkpoint.allowance import Allowance
from torchlink.checkpoint.judge import Judgement, judge, unreadable
from torchlink.checkpoint.reader import ForeignError, read_contents
from torchlink.checkpoint.source import open_source
from torchlink.model.errors import TorchlinkError

_IN_PROCESS = 64
"""Up to so many files one process is faster than several."""
_BATCH = 64

_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".tar")
_SKIPPED = {".git", "__pycache__", ".venv", "node_modules"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """The verdict on one file."""

    path: str
    format: str
    size: int
    judgement: Judgement
    foreign: bool = False
    """Whether it shows no sign of being a checkpoint, by content or by name."""


def scan(place: str | Path, allowance: Allowance | None = None) -> Scanned:
    """Scan one file or address. Does not raise: what cannot be read is a verdict of its own."""
    allowance = allowance or Allowance()
    collecting = gc.isenabled()
    # There is no garbage in cycles before the file is done with, and the collector would walk all values each time.
    gc.disable()
    try:
        return _scan(str(place), allowance)
    finally:
        if collecting:
            gc.enable()


def _scan(place: str, allowance: Allowance) -> Scanned:
    try:
        source = open_source(place)
    except TorchlinkError as error:
        return Scanned(path=place, format="", size=0, judgement=unreadable(error.what))
    try:
        contents = read_contents(source, allowance)
        judgement = judge(contents, allowance)
        return Scanned(path=place, format=contents.format.value, size=source.size, judgement=judgement)
    except ForeignError as error:
        foreign = not _named_like_one(place)
        return Scanned(path=place, format="", size=source.size, judgement=unreadable(error.what), foreign=foreign)
    except TorchlinkError as error:
        why = f"{error.what}; {error.mend}" if error.mend else error.what
        return Scanned(path=place, format="", size=source.size, judgement=unreadable(why))
    finally:
        source.close()


def _named_like_one(place: str) -> bool:
    """A file's name never makes it safe, but it can promise a checkpoint."""
    return place.lower().endswith(_SUFFIXES)


def scan_many(places: Iterable[str], *, processes: int | None = None) -> Iterator[Scanned]:
    """Scan files, in order, on all cores where there are enough of them to pay."""
    paths = list(places)
    workers = processes if processes is not None else min(os.cpu_count() or 1, 8)
    if len(paths) <= _IN_PROCESS or workers < 2:
        yield from map(scan, paths)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(max_workers=workers) as pool:
        yield from pool.map(scan, paths, chunksize=_BATCH)


def files_under(places: Iterable[str]) -> Iterator[str]:
    """The files that are meant: addresses and files as they are, folders with all that is in them."""
    for place in places:
        if "://" in place or not Path(place).is_dir():
            yield place
            continue
        for folder, folders, names in os.walk(place):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED)
            for name in sorted(names):
                yield str(Path(folder) / name)
