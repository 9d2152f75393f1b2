"""What reading one file may cost, shared by all the parts inside it."""

from __future__ import annotations

from dataclasses import dataclass

from torchlink.checkpoint.machine import Limits
from torchlink.model.errors import UnreadableError


@dataclass(slots=True, kw_only=True)
class Allowance:
    """Counts down while a file is read, so that a bomb of many small parts is as bounded as one of a single part."""

    opcodes: int = 4_000_000
    unpacked: int = 96 << 20
    """Bytes that may come out of compressed parts, or be held from parts that are looked into."""
    values: int = 96 << 20
    parts: int = 100_000
    depth: int = 4

    def limits(self) -> Limits:
        """For the next pickle."""
        return Limits(opcodes=max(self.opcodes, 0), memory=max(self.values, 0))

    def spend_part(self, where: str) -> None:
        self.parts -= 1
        if self.parts < 0:
            raise UnreadableError("it has too many parts to look into", where=where)

    def spend_unpacked(self, size: int, where: str) -> None:
        self.unpacked -= size
        if self.unpacked < 0:
            raise UnreadableError("its parts unpack to more than 96 MB beside the tensors", where=where)

    def enter(self, where: str) -> None:
        self.depth -= 1
        if self.depth < 0:
            raise UnreadableError("files within files, too deep to follow", where=where)

    def leave(self) -> None:
        self.depth += 1
