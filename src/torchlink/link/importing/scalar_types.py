"""torch's dtypes and old tensor types: names that ``torch._C`` gives to ``torch`` itself."""

from __future__ import annotations

import re
from functools import lru_cache

from torchlink.model.source import Presence, Sources

HEADERS = ("include/torch/headeronly/core/ScalarType.h", "include/c10/core/ScalarType.h")
"""Where torch's wheels declare their scalar types: 2.9 and later, and before."""
LIBRARY = "lib/libc10.so"
"""The library with the names of the dtypes (from 2.5 on), for a torch without its headers."""
_ENTRY = re.compile(r"_\(\s*[\w:<>, ]{1,80}?,\s*(\w{1,40})\s*\)")
"""One line of the list, such as ``_(c10::dummy_uint1_7_t<1>, UInt1) /* 37 */``."""


def is_scalar_type(sources: Sources, package: str, name: str) -> bool:
    """Whether the torch in a package folder may have a dtype, or an old tensor type, of this name.

    The dtypes since torch 2.1 are named as their scalar types are, in lower case; the older ones stand in the stub of
    ``torch._C``. In the library's bytes ``int1`` cannot be told from the end of ``uint1``, so the headers decide.
    ``BFloat16Tensor`` is put together while torch is imported, and stands nowhere.
    """
    listed = _listed(
        "".join(sources.text(f"{package}/{header}") for header in HEADERS if _has(sources, package, header))
    )
    if listed:
        return name in listed
    if not _has(sources, package, LIBRARY):
        return False
    return sources.name_in_binary(f"{package}/{LIBRARY}", name) is not Presence.ABSENT


def _has(sources: Sources, package: str, file: str) -> bool:
    folder, _, name = f"{package}/{file}".rpartition("/")
    return name in sources.files(folder)


@lru_cache(maxsize=8)
def _listed(header: str) -> frozenset[str]:
    names = _ENTRY.findall(header)
    return frozenset((*(name.lower() for name in names), *(f"{name}Tensor" for name in names)))
