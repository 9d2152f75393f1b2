"""The cache of facts for one command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from torchlink.catalog.cache import Cache, cache_folder, open_cache


@contextmanager
def open_store(used: bool, version: str) -> Iterator[Cache]:
    """The user's cache, or one that remembers nothing.

    Args:
        used: Whether it is used.
        version: This torchlink's: facts of another one are not read.
    """
    store = open_cache(cache_folder(os.environ) if used else None, version)
    try:
        yield store
    finally:
        store.close()
