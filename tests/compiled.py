"""Real ELF files for tests: compiled by gcc, or put together by hand where gcc has no such target."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="compiles small libraries with gcc")


def compile_library(path: Path, source: str, *flags: str | Path, language: str = "c") -> Path:
    """Compile a shared library; flags come behind the source, so that ``-l`` finds its symbols."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-shared", "-fPIC", "-nostdlib", "-x", language, "-", "-x", "none", "-o", str(path)]
    subprocess.run([*command, *map(str, flags)], input=source, text=True, check=True, capture_output=True)
    return path


def handmade_library(path: Path, *, wide: bool, order: str, machine: int = 21) -> Path:
    """A library with SONAME ``libhand.so``, DT_NEEDED ``libother.so``, ``offered`` defined and ``wanted`` undefined."""
    strings = b"\0libhand.so\0libother.so\0offered\0wanted\0"
    at = {name: strings.index(name) for name in (b"libhand.so", b"libother.so", b"offered", b"wanted")}
    header_size, segment_size = (64, 56) if wide else (52, 32)
    symbols_at = header_size + 2 * segment_size
    symbols = b"".join(
        _symbol(wide, order, name, section) for name, section in ((0, 0), (at[b"wanted"], 0), (at[b"offered"], 1))
    )
    hash_at = symbols_at + len(symbols)
    table = struct.pack(f"{order}6I", 1, 3, 2, 0, 0, 0)
    strings_at = hash_at + len(table)
    dynamic_at = strings_at + len(strings)
    tags = (
        (14, at[b"libhand.so"]),
        (1, at[b"libother.so"]),
        (4, hash_at),
        (5, strings_at),
        (6, symbols_at),
        (10, len(strings)),
        (0, 0),
    )
    dynamic = b"".join(struct.pack(order + ("QQ" if wide else "II"), *pair) for pair in tags)
    end = dynamic_at + len(dynamic)
    ident = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + bytes(9)
    fields = (3, machine, 1, 0, header_size, 0, 0, header_size, segment_size, 2, 0, 0, 0)
    head = ident + struct.pack(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), *fields)
    head += _segment(wide, order, 1, 0, end) + _segment(wide, order, 2, dynamic_at, len(dynamic))
    path.write_bytes(head + symbols + table + strings + dynamic)
    return path


def _symbol(wide: bool, order: str, name: int, section: int) -> bytes:
    info = 0x12 if name else 0
    if wide:
        return struct.pack(order + "IBBHQQ", name, info, 0, section, 0, 0)
    return struct.pack(order + "IIIBBH", name, 0, 0, info, 0, section)


def _segment(wide: bool, order: str, kind: int, offset: int, size: int) -> bytes:
    if wide:
        return struct.pack(order + "IIQQQQQQ", kind, 4, offset, offset, offset, size, size, 1)
    return struct.pack(order + "IIIIIIII", kind, offset, offset, offset, size, size, 4, 1)
