"""``python -m benchmarks.elf FOLDER``: our ELF reader beside LIEF (and pyelftools, where it is installed).

Every ELF file below the folder is read by each of them; the answers (DT_NEEDED, SONAME, RPATH, RUNPATH, strong
undefined symbols, exported symbols) are compared with LIEF's (which leaves out empty folders), and the times are
printed with their ratio. LIEF reads files whole, so those above ``--limit`` MiB are left to us alone and not counted.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import lief

from torchlink.model.errors import UnreadableError
from torchlink.read.elf import exports, read_library

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a reader says of one file."""

    needed: tuple[str, ...]
    soname: str
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    undefined: frozenset[str]
    """Strong undefined symbols that no version covers."""
    exported: frozenset[str]


def ours(path: Path) -> Answer:
    """Our own answer."""
    library = read_library(str(path))
    return Answer(
        needed=library.needed,
        soname=library.soname,
        rpath=tuple(filter(None, library.rpath)),
        runpath=tuple(filter(None, library.runpath)),
        undefined=frozenset(library.undefined),
        exported=exports(str(path)),
    )


def liefs(path: Path) -> Answer:
    """LIEF's answer, in the same terms."""
    binary = lief.ELF.parse(str(path))
    if binary is None:
        raise UnreadableError("LIEF cannot read it", where=str(path))
    entries = list(binary.dynamic_entries)
    sonames = [str(entry.name) for entry in entries if isinstance(entry, lief.ELF.DynamicSharedObject)]
    rpath = [folder for entry in entries if isinstance(entry, lief.ELF.DynamicEntryRpath) for folder in entry.paths]
    runpath = [folder for entry in entries if isinstance(entry, lief.ELF.DynamicEntryRunPath) for folder in entry.paths]
    strong = (lief.ELF.Symbol.BINDING.GLOBAL, lief.ELF.Symbol.BINDING.GNU_UNIQUE)
    symbols = [symbol for symbol in binary.dynamic_symbols if symbol.name]
    return Answer(
        needed=tuple(str(entry.name) for entry in entries if isinstance(entry, lief.ELF.DynamicEntryLibrary)),
        soname="".join(sonames[-1:]),
        rpath=() if runpath else tuple(rpath),
        runpath=tuple(runpath),
        undefined=frozenset(
            str(symbol.name)
            for symbol in symbols
            if symbol.shndx == 0 and symbol.binding in strong and not _versioned(symbol)
        ),
        exported=frozenset(
            str(symbol.name)
            for symbol in symbols
            if symbol.shndx != 0 and symbol.binding in (*strong, lief.ELF.Symbol.BINDING.WEAK)
        ),
    )


def _versioned(symbol: lief.ELF.Symbol) -> bool:
    version = symbol.symbol_version
    return bool(version is not None and version.has_auxiliary_version)


def with_pyelftools(path: Path) -> None:
    """Read the same things with pyelftools, for the time alone."""
    elffile = importlib.import_module("elftools.elf.elffile")
    with path.open("rb") as file:
        elf = elffile.ELFFile(file)
        dynamic = elf.get_section_by_name(".dynamic")
        if dynamic is not None:
            list(dynamic.iter_tags())
        table = elf.get_section_by_name(".dynsym")
        if table is not None:
            {symbol.name for symbol in table.iter_symbols()}


def libraries(folder: Path, limit: int) -> Iterator[Path]:
    """The ELF files below a folder, up to ``limit`` bytes."""
    for path in sorted(folder.rglob("*.so*")):
        if path.is_file() and path.stat().st_size <= limit and path.open("rb").read(4) == b"\x7fELF":
            yield path


def differences(path: Path) -> list[str]:
    """Where our answer and LIEF's are not the same, one line each."""
    mine, theirs = ours(path), liefs(path)
    found = []
    for field in Answer.__slots__:
        one, other = getattr(mine, field), getattr(theirs, field)
        if one != other:
            found.append(f"{path}: {field}: {_shown(one, other)}")
    return found


def _shown(one: object, other: object) -> str:
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return f"only ours {sorted(one - other)[:5]}, only LIEF's {sorted(other - one)[:5]}"
    return f"ours {one!r}, LIEF's {other!r}"


def seconds(read: Callable[[Path], object], paths: Sequence[Path]) -> float:
    """How long it takes to read all paths."""
    started = time.perf_counter()
    for path in paths:
        try:
            read(path)
        except UnreadableError as error:
            print(error, file=sys.stderr)
    return time.perf_counter() - started


def main() -> int:
    """Compare and time; 1 where an answer differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=200, help="leave larger files out (MiB)")
    options = parser.parse_args()
    paths = list(libraries(options.folder, options.limit * MIB))
    seconds(ours, paths)
    mine = seconds(ours, paths)
    print(f"{len(paths)} files\ntorchlink    {mine:7.3f} s")
    theirs = seconds(liefs, paths)
    print(f"LIEF         {theirs:7.3f} s  {theirs / mine:6.1f} times as long")
    if importlib.util.find_spec("elftools"):
        slower = seconds(with_pyelftools, paths)
        print(f"pyelftools   {slower:7.3f} s  {slower / mine:6.1f} times as long")
    found = [line for path in paths for line in differences(path)]
    print(*found or ["all answers are LIEF's"], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
