"""What is known of one released wheel: few facts, small enough to ship for thousands of wheels."""

from __future__ import annotations

from dataclasses import dataclass

from torchlink.model.native import NumpyAbi


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFact:
    """A wheel's facts. They belong to this very file, never to its version: builds for two systems may differ."""

    name: str
    """PEP 503-normalised."""
    version: str
    filename: str
    sha256: str
    size: int
    """In bytes."""
    uploaded: str = ""
    """RFC 3339, as the index has it."""
    requires: tuple[str, ...] = ()
    """``Requires-Dist`` lines without those of extras."""
    requires_python: str = ""
    numpy: NumpyAbi = NumpyAbi.NONE
    """The generation of NumPy's C API that its extensions know: the older one, where they differ."""
    numpy_level: str = ""
    """The oldest NumPy that is enough, ``1.23``; empty where the bytes do not say it."""
    numpy_seen: str = ""
    """The member that shows it."""
    torch: str = ""
    """The minor release of torch that its C++ was built for; empty where it uses none, or does not say."""
    torch_exporting: tuple[str, ...] = ()
    """Where it does not say: the releases of torch that export all that its C++ needs, unless all do."""
    torch_lacking: tuple[str, ...] = ()
    """Then, the releases that do not."""
    torch_seen: str = ""
    """Where that is seen."""
    unread: int = 0
    """Native members that were not read: they are large compute libraries, or damaged."""
