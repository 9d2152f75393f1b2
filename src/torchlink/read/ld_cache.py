"""Where the system's dynamic linker finds libraries: ``ld.so.cache`` and the default folders.

Sources: glibc's ``dl-cache.h`` (the format since 2.2, ``glibc-ld.so.cache1.1``) and musl's ``ldso/dynlink.c``, which
has no cache and takes its folders from ``/etc/ld-musl-ARCH.path``.
"""

from __future__ import annotations

import os
from pathlib import Path
from struct import Struct

MAGIC = b"glibc-ld.so.cache1.1"
HEADER_SIZE = 48
MAX_CACHE = 64 * 1024 * 1024
LDSO_CACHE = "/etc/ld.so.cache"
MUSL_FOLDERS = ("/lib", "/usr/local/lib", "/usr/lib")
_ENTRY = "iIIIQ"


def parse_cache(data: bytes) -> dict[str, tuple[str, ...]]:
    """Library names to paths, best first, from the bytes of an ``ld.so.cache``; empty where it is not understood."""
    start = data.find(MAGIC)
    if start < 0:
        return {}
    for order in "<>":
        found = _entries(data[start:], order)
        if found:
            return {name: tuple(paths) for name, paths in found.items()}
    return {}


def _entries(data: bytes, order: str) -> dict[str, list[str]]:
    entry = Struct(order + _ENTRY)
    if len(data) < HEADER_SIZE:
        return {}
    (count,) = Struct(order + "I").unpack_from(data, len(MAGIC))
    if HEADER_SIZE + count * entry.size > len(data):
        return {}
    plain: dict[str, list[str]] = {}
    tuned: list[tuple[str, str]] = []
    for _, key, value, _, hwcap in entry.iter_unpack(data[HEADER_SIZE : HEADER_SIZE + count * entry.size]):
        name, path = _string(data, key), _string(data, value)
        if not name or not path:
            continue
        if hwcap:
            tuned.append((name, path))
        else:
            plain.setdefault(name, []).append(path)
    for name, path in tuned:
        plain.setdefault(name, []).append(path)
    return plain


def _string(data: bytes, offset: int) -> str:
    end = data.find(b"\0", offset, offset + 4096)
    return os.fsdecode(data[offset:end]) if end >= 0 else ""


def default_folders(machine: str, *, musl: bool = False) -> tuple[str, ...]:
    """The folders that are searched last, for a machine as platform tags name it."""
    if musl:
        return _musl_folders(machine)
    triplet = f"{machine}-linux-gnu"
    return (f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib64", "/usr/lib64", "/lib", "/usr/lib")


def _musl_folders(machine: str) -> tuple[str, ...]:
    try:
        text = Path(f"/etc/ld-musl-{machine}.path").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return MUSL_FOLDERS
    return tuple(text.replace("\n", ":").strip(":").split(":"))


def read_cache(path: str = LDSO_CACHE) -> dict[str, tuple[str, ...]]:
    """The loader cache of this machine; empty where there is none."""
    try:
        with Path(path).open("rb") as file:
            return parse_cache(file.read(MAX_CACHE))
    except OSError:
        return {}
