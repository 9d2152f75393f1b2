"""What a target reaches: the modules that it executes and the native libraries that it loads, and by which path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryReach:
    """One native library that the target loads: an extension module, or by ``ctypes`` or ``torch.ops.load_library``."""

    path: str
    chain: tuple[str, ...]
    """``train.py:3``, ``torchvision``, ``torchvision/extension.py:34``."""
    guarded: bool
    """Whether the code that loads it catches the failure and goes on."""
    optional: bool = False
    """Whether the package itself chooses among several such libraries, and can do without this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What the target reaches."""

    modules: Mapping[str, tuple[str, ...]]
    """Executed modules by full name, with the chain that reaches each."""
    libraries: Mapping[str, LibraryReach]
    """Loaded native libraries by absolute path."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The file of each executed module, where it has one."""

    def chain_to(self, module: str) -> tuple[str, ...] | None:
        """The chain to a module, or ``None`` where it is not reached."""
        return self.modules.get(module)
