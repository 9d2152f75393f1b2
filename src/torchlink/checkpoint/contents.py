"""What a checkpoint file holds, as its bytes say. All readers of containers speak in these words."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from torchlink.checkpoint.machine import Pickle
from torchlink.checkpoint.source import Source


class Format(Enum):
    """Kinds of files. The value is the word that users read."""

    TORCH_ZIP = "torch zip"
    TORCH_LEGACY = "torch legacy (before 1.6)"
    TORCH_TAR = "torch legacy tar (before 0.4)"
    TORCHSCRIPT = "TorchScript"
    TORCH_PACKAGE = "torch.package"
    TORCH_EXPORT = "torch.export (PT2)"
    PICKLE = "pickle"
    JOBLIB = "joblib pickle"
    SAFETENSORS = "safetensors"
    NPY = "NumPy array"
    NPZ = "NumPy archive"
    DCP = "distributed checkpoint"
    SHARDED = "sharded checkpoint index"
    GGUF = "GGUF"
    ZIP = "zip archive"
    TAR = "tar archive"
    COMPRESSED = "compressed file"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something about the file that is not as it should be."""

    detail: str
    fatal: bool = True
    """Whether readers may see different content, or content is missing: such a file is never clean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One pickle of the file."""

    where: str
    """``data.pkl``, ``pickle 4 of 5``."""
    pickle: Pickle
    buffer: bytes | mmap.mmap
    """What the offsets of its blobs count from."""
    python_unpickler: bool = False
    """Whether the usual reader is ``pickle.py`` rather than C's ``_pickle`` (joblib)."""


class Extent(NamedTuple):
    """Where the bytes of a storage lie. A named tuple, because a file can have a hundred thousand of them."""

    offset: int
    """In the source. For a zip member that has not been looked at, the offset of its local header."""
    size: int
    """Uncompressed bytes."""
    packed: int
    """Bytes in the file; other than ``size`` where they are compressed."""
    method: int
    """Zip compression method, 0 for bytes as they are."""
    header: bool
    """Whether ``offset`` is that of a local header, which has to be skipped."""
    crc: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    """A tensor of a format that lists them itself: safetensors, NumPy."""

    name: str
    dtype: str
    """torch's word without ``torch.``: ``float32``."""
    shape: tuple[int, ...]
    offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What one file holds."""

    source: Source
    format: Format
    streams: tuple[Stream, ...] = ()
    main: int = -1
    """Index of the stream whose root is what a loader returns; -1 for none."""
    storages: Mapping[str, Extent] = field(default_factory=dict)
    tensors: tuple[StoredTensor, ...] = ()
    problems: tuple[Problem, ...] = ()
    code: tuple[str, ...] = ()
    """Parts that hold code, which loading the file runs."""
    hostile: tuple[str, ...] = ()
    """What in that code reaches outside the process."""
    nested: tuple[Contents, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the container says of itself: ``byteorder``, ``version``, a safetensors file's ``__metadata__``."""
    prefix: str = ""
    """The folder of a zip archive's records, with its slash."""
    notes: tuple[str, ...] = ()

    @property
    def root(self) -> object:
        """What a loader returns, symbolically; ``None`` where there is no such thing."""
        return self.streams[self.main].pickle.root if self.main >= 0 else None
