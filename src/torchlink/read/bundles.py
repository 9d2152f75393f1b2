"""Facts of many files of one wheel, remembered together.

A set of wheels asks for some thousand small facts. A row of the cache for each takes longer to find and check than to
unpack.
"""

from __future__ import annotations

import marshal
from dataclasses import dataclass, field

from torchlink.model.store import ByteStore


@dataclass(slots=True)
class _Bundle:
    facts: dict[str, bytes]
    is_new: bool = False


@dataclass(slots=True)
class Bundles:
    """Facts by kind, wheel and member. What is put is remembered from ``flush`` on."""

    store: ByteStore
    _bundles: dict[tuple[str, str], _Bundle] = field(default_factory=dict)

    def get(self, kind: str, wheel: str, member: str) -> bytes | None:
        """Return what was put, or ``None``."""
        return self._bundle(kind, wheel).facts.get(member)

    def put(self, kind: str, wheel: str, member: str, value: bytes) -> None:
        """Remember bytes."""
        bundle = self._bundle(kind, wheel)
        bundle.facts[member] = value
        bundle.is_new = True

    def flush(self) -> None:
        """Store what was put. Of two processes that do so at once, the last one's facts are remembered."""
        for (kind, wheel), bundle in self._bundles.items():
            if bundle.is_new:
                self.store.put(f"bundle of {kind}", wheel, marshal.dumps(bundle.facts))
                bundle.is_new = False

    def _bundle(self, kind: str, wheel: str) -> _Bundle:
        found = self._bundles.get((kind, wheel))
        if found is None:
            kept = self.store.get(f"bundle of {kind}", wheel)
            # The cache checks what it wrote.
            found = _Bundle({} if kept is None else marshal.loads(kept))  # noqa: S302
            self._bundles[kind, wheel] = found
        return found
